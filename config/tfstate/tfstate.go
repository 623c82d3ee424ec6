// Package tfstate reads Terraform's state files: what an environment consists of,
// without Terraform or a provider.
package tfstate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// version is the format that Terraform has written since 0.12.
const version = 4

// State is a state file, as far as programs here read it. Its values may be secrets.
type State struct {
	Serial    uint64
	Lineage   string
	Outputs   map[string]Output
	Resources []Resource
}

// Output is one output of the root module. Numbers in it are of type json.Number.
type Output struct {
	Value     any
	Sensitive bool
}

// Resource is one block, of which there may be any number of instances, or none.
type Resource struct {
	Module           string // its address; "" for the root module
	Mode, Type, Name string
	Instances        []Instance
}

// Instance is one object that Terraform keeps track of.
type Instance struct {
	Status     string // "tainted" where its creation did not finish
	Deposed    string // key of an object that another has replaced and that is still to be destroyed; "" for the other
	Attributes map[string]any
}

// Read reads a state. An empty file is a state without resources, as it is to
// Terraform. The error quotes nothing of the text.
func Read(text []byte) (State, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // some editors begin a file with a byte-order mark
	if len(bytes.TrimSpace(text)) == 0 {
		return State{}, nil
	}
	var file struct {
		Version *int
		State
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&file) != nil || decoder.Decode(&struct{}{}) != io.EOF {
		return State{}, errors.New("got a text that is not a Terraform state")
	}
	if file.Version == nil {
		return State{}, fmt.Errorf("got no version, want a Terraform state of version %d", version)
	}
	if *file.Version != version {
		return State{}, fmt.Errorf("got version %d, want a Terraform state of version %d", *file.Version, version)
	}
	return file.State, nil
}

// Managed returns the resources that Terraform manages and that exist: neither data
// sources nor blocks without instances.
func (s State) Managed() []Resource {
	var managed []Resource
	for _, r := range s.Resources {
		if r.Mode == "managed" && len(r.Instances) > 0 {
			managed = append(managed, r)
		}
	}
	return managed
}

// Has reports whether an existing resource of this type has this value in an attribute.
func (s State) Has(kind, attribute, value string) bool {
	for _, r := range s.Managed() {
		for _, instance := range r.Instances {
			if r.Type == kind && instance.Attributes[attribute] == value {
				return true
			}
		}
	}
	return false
}

// Address returns the resource's address without an index.
func (r Resource) Address() string {
	address := r.Type + "." + r.Name
	if r.Module != "" {
		return r.Module + "." + address
	}
	return address
}
