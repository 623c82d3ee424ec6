package eject

import (
	"regexp"
	"strings"
)

var (
	unsafe = regexp.MustCompile(`[^a-z0-9-]+`)
	// reserved names mean something else to Terraform, or to Windows.
	reserved = regexp.MustCompile(`^(override|con|prn|aux|nul|(com|lpt)[0-9])$`)
)

// fileOf returns the name of the file for a construct's blocks. Terraform ignores files
// that begin with a dot or #, or end with ~, and takes x_override.tf for changes of other
// files, so only an ID's letters, digits and hyphens are kept. They are in lower
// case, because some file systems treat Network and network as one name; constructs whose
// names are then equal share a file.
func fileOf(id string) string {
	name := strings.Trim(unsafe.ReplaceAllString(strings.ToLower(id), "-"), "-")
	const most = 100 // characters; file systems allow 255 bytes
	name = strings.TrimRight(name[:min(len(name), most)], "-")
	switch {
	case name == "":
		return "main.tf"
	case reserved.MatchString(name):
		name += "-blocks"
	}
	return name + ".tf"
}
