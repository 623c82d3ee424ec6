package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"portfolio/config"
	"portfolio/config/tfstate"
	"portfolio/stacks"
)

// found is what exists before a run.
type found struct {
	Bucket        bool
	Local, Remote state // nil if there is none; Remote is in the bucket
}

// state is the part of a Terraform state that matters here: the managed resources
// by address. Lineage and serial do not help, since a move to another backend may
// start both again.
type state map[string]resource

type resource struct {
	ID      string
	Tainted bool // its creation was interrupted: Terraform would destroy it first
}

// readState returns the managed resources of a Terraform state. An empty file is
// refused: whatever wrote it was interrupted.
func readState(text []byte) (state, error) {
	if len(text) == 0 {
		return nil, errors.New("got an empty file, want a Terraform state")
	}
	file, err := tfstate.Read(text)
	if err != nil {
		return nil, err
	}
	s := state{}
	for _, r := range file.Managed() {
		only := r.Instances[0] // the stack has no count
		id, _ := only.Attributes["id"].(string)
		s[r.Address()] = resource{ID: id, Tainted: only.Status == "tainted"}
	}
	return s, nil
}

// unknownTo returns the address of a resource that other does not have, or "".
func (s state) unknownTo(other state) string {
	for _, address := range slices.Sorted(maps.Keys(s)) {
		if r, known := other[address]; !known || r.ID != s[address].ID {
			return address
		}
	}
	return ""
}

// steps are what a run does.
type steps struct {
	ApplyLocally     bool // apply with the local state, then move it into the bucket
	ImportBucket     bool // import the bucket into the local state first
	RemoveLocalState bool // its copy in the bucket is complete
}

// stepsFor decides what to do from what exists. An interrupted run is continued
// from where the states say that it stopped.
func stepsFor(f found, c config.Bootstrap, adopt bool) (steps, error) {
	refuse := func(got, want string) (steps, error) {
		return steps{}, badInput{fmt.Errorf("TERRAFORM_STATE_BUCKET: got %s, %s, want %s", c.State.Bucket, got, want)}
	}
	switch {
	case !c.Account && !f.Bucket:
		return refuse("which does not exist", "the bucket that a run with AWS_REGION="+c.State.Region+" created")
	case !c.Account:
		return steps{}, nil
	case f.Remote != nil && f.Local == nil:
		return steps{}, nil
	case f.Remote != nil && f.Local.unknownTo(f.Remote) != "":
		return steps{}, badInput{fmt.Errorf("%s: got %s, which is not in s3://%s/%s, "+
			"want one state: find out which is out of date and remove it",
			localState, f.Local.unknownTo(f.Remote), c.State.Bucket, c.State.Key)}
	case f.Remote != nil: // interrupted after the copy
		return steps{RemoveLocalState: true}, nil
	case f.Bucket && f.Local != nil: // an earlier run created the bucket
		_, known := f.Local[stacks.StateBucketAddress]
		return steps{ApplyLocally: true, ImportBucket: !known}, nil
	case f.Bucket && !adopt:
		return refuse("which exists and does not hold the bootstrap's state",
			"another name, or ADOPT=1 if it is yours: its policy and lifecycle are replaced, its objects stay")
	default:
		return steps{ApplyLocally: true, ImportBucket: f.Bucket}, nil
	}
}
