package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stack is a synthesized stack in the form in which it is passed to checkov.
type stack struct {
	text  []byte            // its providers, data sources and resources, JSON
	paths map[string]string // construct path, such as "api/handler", by logical id
}

// readStack reads a cdk.tf.json. Other parts are left out: checkov skips a file with a
// required_version, for example, and reports success.
func readStack(path string) (stack, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return stack{}, err
	}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		return stack{}, fmt.Errorf("%s: %w", path, err)
	}
	s := stack{paths: map[string]string{}}
	seen := map[string]json.RawMessage{}
	for _, section := range []string{"provider", "data", "resource"} {
		if whole[section] != nil {
			seen[section] = whole[section]
		}
	}
	for _, section := range []string{"data", "resource"} {
		var blocks map[string]map[string]struct {
			Comment struct {
				Metadata struct{ Path string }
			} `json:"//"`
		}
		if seen[section] == nil {
			continue
		}
		if err := json.Unmarshal(seen[section], &blocks); err != nil {
			return stack{}, fmt.Errorf("%s: %s: %w", path, section, err)
		}
		for _, byID := range blocks {
			for id, block := range byID {
				// The first part is the stack's id, which contains the environment's suffix.
				_, s.paths[id], _ = strings.Cut(block.Comment.Metadata.Path, "/")
			}
		}
	}
	s.text, err = json.Marshal(seen)
	return s, err
}

// finding is one check that failed on one resource.
type finding struct {
	Check    string // "CKV_AWS_116"
	Name     string // the check's title
	Resource string // construct path
}

// result is the outcome of a run of checkov.
type result struct {
	Passed int // checks
	Failed []finding
}

// runCheckov checks a stack in a temporary folder.
func runCheckov(ctx context.Context, program string, s stack) (result, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return result{}, err
	}
	folder, err := os.MkdirTemp("", "checkov")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, "cdk.tf.json"), s.text, 0o600); err != nil {
		return result{}, err
	}
	// Without --skip-download checkov asks its vendor's server for guidelines.
	command := exec.CommandContext(ctx, program, "--file", "cdk.tf.json", "--framework", "terraform_json",
		"--output", "json", "--compact", "--quiet", "--skip-download", "--soft-fail")
	command.Dir = folder
	command.Env = append(withoutAccount(os.Environ()), "LOG_LEVEL=ERROR")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	report, err := command.Output()
	if err != nil {
		return result{}, fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return parseReport(report, s.paths)
}

// withoutAccount removes the variables with which checkov reports to its vendor.
func withoutAccount(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "BC_") && !strings.HasPrefix(variable, "PRISMA_") &&
			!strings.HasPrefix(variable, "CKV_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// parseReport reads checkov's JSON. A report without checks is an error here, although
// checkov exits with success.
func parseReport(report []byte, paths map[string]string) (result, error) {
	var r struct {
		Results struct {
			Failed []struct {
				Check    string `json:"check_id"`
				Name     string `json:"check_name"`
				Resource string
			} `json:"failed_checks"`
		}
		Summary struct {
			Passed        int
			ParsingErrors int `json:"parsing_errors"`
		}
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return result{}, fmt.Errorf("checkov's report: %w", err)
	}
	if r.Summary.ParsingErrors > 0 || r.Summary.Passed == 0 {
		return result{}, fmt.Errorf("checkov's report: got %d parsing errors and %d passed checks, want none and some",
			r.Summary.ParsingErrors, r.Summary.Passed)
	}
	out := result{Passed: r.Summary.Passed}
	for _, f := range r.Results.Failed {
		// "aws_lb.ID" from checks of connected resources, "resource.ID" from others.
		_, id, _ := strings.Cut(f.Resource, ".")
		path, known := paths[id]
		if !known {
			path = f.Resource
		}
		out.Failed = append(out.Failed, finding{Check: f.Check, Name: f.Name, Resource: path})
	}
	return out, nil
}
