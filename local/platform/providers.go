package platform

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/hashicorp/go-version"
)

// MirrorVariable names the environment variable that points to a mirror of
// Terraform providers: a folder with registry.terraform.io in it.
const MirrorVariable = "PORTFOLIO_PROVIDER_MIRROR"

const (
	terraformRC = "build/terraform/terraform.rc"
	mirror      = "build/terraform/mirror"
	registry    = "registry.terraform.io/hashicorp"
)

// provider is a provider of the stack and the versions that its required_providers allow.
type provider struct{ Name, Versions string }

var (
	awsProvider     = provider{"aws", ">= 5.99.1, < 6.0.0"}
	archiveProvider = provider{"archive", ">= 1.3.0, < 3.0.0"}
)

// archiveModuleVersion is the version that archiveprovider/go.mod pins.
const archiveModuleVersion = "1.3.0"

// Providers makes Terraform work where its registry cannot be reached: if the machine has a
// mirror with the AWS provider, it creates a mirror of the project's own and a configuration
// that names it. Without one it creates nothing, and Terraform uses its registry. A second
// call changes nothing.
func Providers(ctx context.Context, root string, out io.Writer) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	rc := filepath.Join(root, terraformRC)
	aws := awsProvider.find(mirrors())
	if aws == "" {
		return os.RemoveAll(filepath.Dir(rc))
	}
	if err := link(root, "aws", aws); err != nil {
		return err
	}
	archive := archiveProvider.find(mirrors())
	if archive == "" {
		archive = filepath.Join(root, "build/terraform/archive", archiveModuleVersion, platformName())
		if err := buildArchiveProvider(ctx, root, archive, out); err != nil {
			return err
		}
	}
	if err := link(root, "archive", archive); err != nil {
		return err
	}
	return os.WriteFile(rc, fmt.Appendf(nil, `# Written by build/local providers.
provider_installation {
  filesystem_mirror {
    path    = %q
    include = ["%[2]s/aws", "%[2]s/archive"]
  }
  direct {
    exclude = ["%[2]s/aws", "%[2]s/archive"]
  }
}
`, filepath.Join(root, mirror), registry), 0o644)
}

// mirrors returns the folders that may hold providers: the one that the user names,
// Terraform's implied ones, and those directly below /opt.
func mirrors() []string {
	var found []string
	if named := os.Getenv(MirrorVariable); named != "" {
		found = append(found, named)
	}
	if home, err := os.UserHomeDir(); err == nil {
		found = append(found, filepath.Join(home, ".terraform.d/plugins"),
			filepath.Join(home, ".local/share/terraform/plugins"))
	}
	found = append(found, "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
	below, _ := filepath.Glob("/opt/*") // no match is not an error
	return append(found, below...)
}

// find returns the folder of the newest allowed version for this platform, or "".
func (p provider) find(mirrors []string) string {
	allowed, err := version.NewConstraint(p.Versions)
	if err != nil {
		panic(err) // a literal above
	}
	var best *version.Version
	var folder string
	for _, m := range mirrors {
		candidates, _ := filepath.Glob(filepath.Join(m, registry, p.Name, "*", platformName())) // no match is not an error
		for _, candidate := range candidates {
			v, err := version.NewVersion(filepath.Base(filepath.Dir(candidate)))
			if err == nil && allowed.Check(v) && (best == nil || v.GreaterThan(best)) {
				best, folder = v, candidate
			}
		}
	}
	return folder
}

// link puts a provider's folder …/<version>/<platform> into the project's mirror.
// Terraform follows a symbolic link at the level of the platform only.
func link(root, name, folder string) error {
	here := filepath.Join(root, mirror, registry, name)
	if err := os.RemoveAll(here); err != nil {
		return err
	}
	here = filepath.Join(here, filepath.Base(filepath.Dir(folder)))
	if err := os.MkdirAll(here, 0o755); err != nil {
		return err
	}
	return os.Symlink(folder, filepath.Join(here, platformName()))
}

// buildArchiveProvider builds the provider from the module that pins it.
func buildArchiveProvider(ctx context.Context, root, folder string, out io.Writer) error {
	binary := filepath.Join(folder, "terraform-provider-archive_v"+archiveModuleVersion+"_x4")
	if exists(binary) {
		return nil
	}
	fmt.Fprintf(out, stepLine+"\n", "", "build the archive provider, which this machine's mirror lacks")
	// Debugging information is left out as in all that make builds, so that compiled packages of
	// the standard library are shared. Nor does the provider need inlining: it has little to do.
	args := []string{"build", "-mod=readonly", "-ldflags=-s -w", "-o", binary, "-gcflags=all=-dwarf=false"}
	for _, modules := range []string{"github.com", "google.golang.org"} {
		args = append(args, "-gcflags="+modules+"/...=-l -dwarf=false")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/terraform-providers/terraform-provider-archive")...)
	cmd.Dir = filepath.Join(root, "local/archiveprovider")
	// The user's workspace and flags are not meant for this module.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-trimpath") // the last value of a name counts
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the archive provider: %w\n%s", err, text)
	}
	return nil
}

func platformName() string { return runtime.GOOS + "_" + runtime.GOARCH }
