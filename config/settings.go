package config

import (
	"slices"

	"github.com/caarlos0/env/v11"
)

// Variables returns the names of the environment variables that configure an
// environment, sorted: a workflow that deploys one has to set all of them.
func Variables() []string {
	fields, err := env.GetFieldParams(&settings{})
	if err != nil {
		panic(err) // only because of the type, which every test of Load reads
	}
	var names []string
	for _, field := range fields {
		names = append(names, field.Key)
	}
	slices.Sort(names)
	return names
}
