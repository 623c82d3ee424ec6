// Command diagram draws a picture of the platform, in docs/, from a synthesized stack. The
// variable parts defines the boxes; a box without a resource is left out. Arrows are the
// references and security group rules of the stack.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
)

// Input and output, relative to the top folder.
const (
	stackFile  = "test/testdata/standard.json" // a test keeps it up to date
	sourceFile = "docs/architecture.d2"
	pictureSVG = "docs/architecture.svg"
)

func main() {
	if err := draw(); err != nil {
		fmt.Fprintln(os.Stderr, "diagram:", err)
		os.Exit(1)
	}
}

func draw() error {
	text, err := os.ReadFile(stackFile)
	if err != nil {
		return err
	}
	s, err := parse(text)
	if err != nil {
		return err
	}
	source := s.source()
	if err := os.WriteFile(sourceFile, []byte(source), 0o644); err != nil {
		return err
	}
	d2 := exec.Command("go", "tool", "-modfile=.ci/d2/go.mod", "d2", "--layout=elk", "--pad=20", sourceFile, pictureSVG)
	d2.Stderr = os.Stderr
	if err := d2.Run(); err != nil {
		return fmt.Errorf("d2: %w", err)
	}
	picture, err := os.ReadFile(pictureSVG)
	if err != nil {
		return err
	}
	return os.WriteFile(pictureSVG, append(picture, mark(source)...), 0o644)
}

// mark returns a comment for the picture that identifies its source.
func mark(source string) string {
	return fmt.Sprintf("\n<!-- %s sha256:%x -->\n", sourceFile, sha256.Sum256([]byte(source)))
}
