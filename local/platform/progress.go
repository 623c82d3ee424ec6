package platform

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// apply counts resources in Terraform's machine-readable output while it is written.
// Its Write takes whole or partial lines.
type apply struct {
	mu      sync.Mutex
	partial []byte
	total   int
	done    int
	begun   map[string]time.Time // resources in progress, by address
	errors  []string
	now     func() time.Time
}

func newApply() *apply { return &apply{begun: map[string]time.Time{}, now: time.Now} }

// message is the part of Terraform's JSON lines that is read here
// (developer.hashicorp.com/terraform/internals/machine-readable-ui).
type message struct {
	Type    string `json:"type"`
	Changes struct {
		Add    int `json:"add"`
		Change int `json:"change"`
		Remove int `json:"remove"`
	} `json:"changes"`
	Hook struct {
		Action   string `json:"action"`
		Resource struct {
			Addr string `json:"addr"`
		} `json:"resource"`
	} `json:"hook"`
	Diagnostic struct {
		Severity string `json:"severity"`
		Summary  string `json:"summary"`
		Detail   string `json:"detail"`
		Address  string `json:"address"`
	} `json:"diagnostic"`
}

func (a *apply) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.partial = append(a.partial, p...)
	for {
		end := slices.Index(a.partial, '\n')
		if end < 0 {
			return len(p), nil
		}
		a.take(a.partial[:end])
		a.partial = a.partial[end+1:]
	}
}

func (a *apply) take(line []byte) {
	var m message
	if json.Unmarshal(line, &m) != nil {
		return // not JSON: nothing to count
	}
	switch m.Type {
	case "change_summary":
		if a.total == 0 {
			a.total = m.Changes.Add + m.Changes.Change + m.Changes.Remove
		}
	case "apply_start":
		a.begun[m.Hook.Resource.Addr] = a.now()
	case "apply_errored":
		delete(a.begun, m.Hook.Resource.Addr)
	case "apply_complete":
		delete(a.begun, m.Hook.Resource.Addr)
		if m.Hook.Action != "read" { // data sources, which are not in the total
			a.done++
		}
	case "diagnostic":
		if m.Diagnostic.Severity == "error" {
			d := m.Diagnostic
			a.errors = append(a.errors, strings.TrimSpace(d.Address+": "+d.Summary+"\n"+d.Detail))
		}
	}
}

// String returns one line: how many resources are done, and those that take longest.
func (a *apply) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.total == 0 {
		return "planning"
	}
	waiting := make([]string, 0, len(a.begun))
	for address := range a.begun {
		waiting = append(waiting, address)
	}
	slices.SortFunc(waiting, func(x, y string) int { return a.begun[x].Compare(a.begun[y]) })
	line := fmt.Sprintf("%d of %d resources", a.done, a.total)
	for i, address := range waiting {
		if i == 3 {
			line += fmt.Sprintf(" and %d more", len(waiting)-i)
			break
		}
		separator := ", waiting for "
		if i > 0 {
			separator = ", "
		}
		line += fmt.Sprintf("%s%s (%.0f s)", separator, address, a.now().Sub(a.begun[address]).Seconds())
	}
	return line
}

// err returns Terraform's own errors, each with its resource.
func (a *apply) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.errors) == 0 {
		return nil
	}
	return fmt.Errorf("terraform:\n%s", strings.Join(a.errors, "\n"))
}
