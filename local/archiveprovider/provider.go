//go:build never

// Package archiveprovider pins the archive provider as a Go module: it is how a
// machine that cannot reach the Terraform registry gets it.
package archiveprovider

import _ "github.com/terraform-providers/terraform-provider-archive"
