//go:build never

// Package archiveprovider pins the archive provider as a Go module, from which it is built
// on a machine that cannot reach the Terraform registry.
package archiveprovider

import _ "github.com/terraform-providers/terraform-provider-archive"
