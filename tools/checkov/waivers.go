package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// waiver allows a check to fail on some resources, with a reason and until a date.
type waiver struct {
	Check     string   `json:"check"`
	Resources []string `json:"resources"` // construct paths
	Reason    string   `json:"reason"`
	Expires   date     `json:"expires"` // the first day on which it is not valid
}

// date is a day, "2006-01-02" in JSON.
type date struct{ time.Time }

// UnmarshalJSON accepts a day and nothing else.
func (d *date) UnmarshalJSON(text []byte) (err error) {
	d.Time, err = time.Parse(`"`+time.DateOnly+`"`, string(text))
	return err
}

func (w waiver) covers(f finding) bool {
	return w.Check == f.Check && slices.Contains(w.Resources, f.Resource)
}

// readWaivers reads and validates a file of waivers; its error names every incomplete
// waiver.
func readWaivers(path string) ([]waiver, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var waivers []waiver
	if err := decoder.Decode(&waivers); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var problems []error
	for _, w := range waivers {
		if w.Check == "" || len(w.Resources) == 0 || strings.TrimSpace(w.Reason) == "" || w.Expires.IsZero() {
			problems = append(problems, fmt.Errorf("%s: got %q on %q, want check, resources, reason and expires",
				path, w.Check, w.Resources))
		}
	}
	return waivers, errors.Join(problems...)
}

// judge returns one line for each failed check without a waiver, for each resource of a
// waiver whose check does not fail, and for each expired waiver.
func judge(failed []finding, waivers []waiver, now time.Time) []string {
	var problems []string
	for _, f := range failed {
		if !slices.ContainsFunc(waivers, func(w waiver) bool { return w.covers(f) }) {
			problems = append(problems, fmt.Sprintf("%s: %s: %s", f.Resource, f.Check, f.Name))
		}
	}
	for _, w := range waivers {
		for _, resource := range w.Resources {
			fails := func(f finding) bool { return f.Check == w.Check && f.Resource == resource }
			if !slices.ContainsFunc(failed, fails) {
				problems = append(problems, fmt.Sprintf("%s: %s: waived, but it does not fail", resource, w.Check))
			}
		}
		if !now.Before(w.Expires.Time) {
			problems = append(problems, fmt.Sprintf("%s: %s: waiver expired on %s: %s",
				strings.Join(w.Resources, ", "), w.Check, w.Expires.Format(time.DateOnly), w.Reason))
		}
	}
	slices.Sort(problems)
	return problems
}
