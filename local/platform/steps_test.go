package platform

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStepsOutsideATerminal(t *testing.T) {
	var out bytes.Buffer
	s := newSteps(&out)
	require.NoError(t, s.do("first", nil, func() error { s.printf("port 1 is taken"); return nil }))
	boom := errors.New("boom")
	err := s.do("second", nil, func() error { return boom })
	assert.EqualError(t, err, "second: boom")
	assert.ErrorIs(t, err, boom)
	assert.Equal(t, "            first …\nport 1 is taken\n     0.0 s  first\n            second …\n", out.String())
}

// text is progress that does not change.
type text string

func (t text) String() string { return string(t) }

func TestStepsRewriteTheirLineOnATerminal(t *testing.T) {
	var out bytes.Buffer
	s := &steps{out: &out, width: func() int { return 40 }}
	require.NoError(t, s.do("apply", text("1 of 2 resources, waiting for a_long_name"), func() error {
		s.printf("a separate line")
		return nil
	}))
	assert.Error(t, s.do("ping", nil, func() error { return errors.New("boom") }))
	const running = "     0.0 s  apply: 1 of 2 resources, w…"
	assert.Equal(t, fmt.Sprint(eraseLine, running, eraseLine, "a separate line\n", running, eraseLine,
		"     0.0 s  apply\n",
		eraseLine, "     0.0 s  ping", eraseLine), out.String())
	for line := range strings.SplitSeq(strings.ReplaceAll(out.String(), eraseLine, "\n"), "\n") {
		assert.Less(t, len([]rune(line)), 40, "%q would wrap", line)
	}
}
