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

// found is what there is before a run.
type found struct {
	Bucket        bool
	Local, Remote state // nil for none; Remote is in the bucket
}

// state is what counts of one of Terraform's states: what it manages, by address.
// Lineage and serial are no help, a move into another backend may begin both anew.
type state map[string]resource

type resource struct {
	ID      string
	Tainted bool // its creation was cut off: Terraform would destroy it first
}

// readState reads what a state file manages. An empty one is refused: its writer died.
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

// unknownTo is the address of something that other does not know, "" for none.
func (s state) unknownTo(other state) string {
	for _, address := range slices.Sorted(maps.Keys(s)) {
		if there, known := other[address]; !known || there.ID != s[address].ID {
			return address
		}
	}
	return ""
}

// course is what a run does.
type course struct {
	Local  bool // apply with the state here, then move the state into the bucket
	Import bool // take the bucket into the state here first
	Forget bool // remove the state here, whose copy in the bucket is complete
}

// choose decides by what there is. Whatever run before was cut off, the next one
// goes on where the states say it was.
func choose(f found, c config.Bootstrap, adopt bool) (course, error) {
	refuse := func(got, want string) (course, error) {
		return course{}, badInput{fmt.Errorf("TERRAFORM_STATE_BUCKET: got %s, %s, want %s", c.State.Bucket, got, want)}
	}
	switch {
	case !c.Account && !f.Bucket:
		return refuse("which does not exist", "the bucket of an earlier run with AWS_REGION="+c.State.Region)
	case !c.Account:
		return course{}, nil
	case f.Remote != nil && f.Local == nil:
		return course{}, nil
	case f.Remote != nil && f.Local.unknownTo(f.Remote) != "":
		return course{}, badInput{fmt.Errorf("%s: got %s, which s3://%s/%s does not know, want one state: see which is out of date and remove it",
			localState, f.Local.unknownTo(f.Remote), c.State.Bucket, c.State.Key)}
	case f.Remote != nil: // cut off after the copy
		return course{Forget: true}, nil
	case f.Bucket && f.Local != nil: // begun here when there was no bucket, so it is ours
		_, known := f.Local[stacks.StateBucketAddress]
		return course{Local: true, Import: !known}, nil
	case f.Bucket && !adopt:
		return refuse("which exists and holds no state of the bootstrap", "another name, or ADOPT=1 if it is yours: its policy and lifecycle are replaced, its objects stay")
	default:
		return course{Local: true, Import: f.Bucket}, nil
	}
}
