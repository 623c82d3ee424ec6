package tfstate

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRead(t *testing.T) {
	s, err := Read([]byte(`{"version": 4, "serial": 7, "lineage": "l", "terraform_version": "1.11.4",
		"outputs": {"account": {"value": 123456789012, "type": "number"}, "token": {"value": "hunter2", "sensitive": true}},
		"resources": [
			{"mode": "data", "type": "aws_region", "name": "r", "instances": [{"attributes": {}}]},
			{"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"status": "tainted", "attributes": {"id": "vpc-1"}}]},
			{"mode": "managed", "type": "aws_eip", "name": "e", "instances": []}]}`))
	require.NoError(t, err)
	assert.Equal(t, uint64(7), s.Serial)
	assert.Equal(t, map[string]Output{"account": {json.Number("123456789012"), false},
		"token": {"hunter2", true}}, s.Outputs)
	require.Len(t, s.Resources, 3)
	managed := s.Managed()
	require.Len(t, managed, 1)
	assert.Equal(t, "aws_vpc.v", managed[0].Address())
	assert.True(t, s.Has("aws_vpc", "id", "vpc-1"))
	assert.False(t, s.Has("aws_vpc", "id", "vpc-2"))
	assert.False(t, s.Has("aws_subnet", "id", "vpc-1"))
	assert.Equal(t, []Instance{{Status: "tainted", Attributes: map[string]any{"id": "vpc-1"}}}, managed[0].Instances)
}

func TestReadNothing(t *testing.T) {
	for _, text := range []string{"", "\n", " \t\r\n", "\ufeff", "\ufeff\r\n", `{"version": 4}`, "\ufeff{\"version\": 4}",
		`{"version": 4, "outputs": null, "resources": null, "check_results": null}`} {
		s, err := Read([]byte(text))
		require.NoError(t, err, "%q", text)
		assert.Equal(t, State{}, s, "%q", text)
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"password": "hunter2`:                "not a Terraform state",
		`"hunter2"`:                            "not a Terraform state",
		`{"version": 4} hunter2`:               "not a Terraform state",
		`{"version": 4, "outputs": "hunter2"}`: "not a Terraform state",
		`{"version": "4"}`:                     "not a Terraform state",
		`{}`:                                   "got no version, want a Terraform state of version 4",
		`{"encrypted_data": "hunter2", "encryption_version": "v0"}`: "got no version, want a Terraform state of version 4",
		`{"version": null}`:               "got no version, want a Terraform state of version 4",
		`{"version": 5, "resources": []}`: "got version 5, want a Terraform state of version 4",
		`{"version": 4.5}`:                "not a Terraform state",
		`{"version": 4, "serial": -1}`:    "not a Terraform state",
		`{"version": 4, "resources": {}}`: "not a Terraform state",
		`{"version": 4, "resources": [{"instances": [{"attributes": "hunter2"}]}]}`: "not a Terraform state",
		"\xff\xfe{\x00}\x00":            "not a Terraform state",
		"\xfe\xff\x00{\x00}":            "not a Terraform state",
		"{\"version\": 4}\x00":          "not a Terraform state",
		"\x1f\x8bhunter2":               "not a Terraform state",
		`[{"version": 4}]`:              "not a Terraform state",
		`null`:                          "got no version",
		`{"version": 3, "modules": []}`: "got version 3, want a Terraform state of version 4",
	} {
		_, err := Read([]byte(text))
		require.ErrorContains(t, err, want, text)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

// Instances have an index or none, objects to be destroyed have a key, and a module's
// resources are not the root's.
func TestReadInstances(t *testing.T) {
	s, err := Read([]byte(`{"version": 4, "resources": [
		{"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"index_key": 0, "attributes": {"id": "a"}}, {"index_key": "k|\n", "attributes": null},
			{"index_key": "k|\n", "deposed": "0123abcd", "attributes": {"id": "b"}}, {"attributes_flat": {"id": "c"}, "schema_version": 0}]},
		{"module": "module.x[\"y\"]", "mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{}]},
		null, {}, {"mode": "managed"}, {"mode": "managed", "type": "aws_eip", "name": "e", "instances": null}]}`))
	require.NoError(t, err)
	managed := s.Managed()
	require.Len(t, managed, 2)
	assert.Equal(t, "aws_vpc.v", managed[0].Address())
	assert.Equal(t, `module.x["y"].aws_vpc.v`, managed[1].Address())
	require.Len(t, managed[0].Instances, 4)
	assert.Equal(t, "0123abcd", managed[0].Instances[2].Deposed)
	assert.True(t, s.Has("aws_vpc", "id", "b"), "it exists until it is destroyed")
}
