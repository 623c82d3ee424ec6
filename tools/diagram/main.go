// Command diagram draws the platform into docs/: what a synthesized stack holds
// and what in it knows of what. Nothing on the picture is drawn by hand: boxes are
// resources that are there, arrows are references and rules of security groups.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
)

// Where the picture is made from and goes to, from the top folder.
const (
	stackFile  = "test/testdata/standard.json" // held to the app by its own test
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
	if err := os.WriteFile(sourceFile, []byte(source), 0o644); err != nil { //nolint:gosec // both are constants, and for everybody
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
	return os.WriteFile(pictureSVG, append(picture, mark(source)...), 0o644) //nolint:gosec // as above
}

// mark says in the picture which source it is of.
func mark(source string) string {
	return fmt.Sprintf("\n<!-- %s sha256:%x -->\n", sourceFile, sha256.Sum256([]byte(source)))
}
