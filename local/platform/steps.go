package platform

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// updateInterval is how often the line of a step is rewritten on a terminal.
const updateInterval = time.Second

// stepLine says that a step begins, like the Makefile's step: nothing, where its time is
// written when it ends, and its name.
const stepLine = "%12s%s …"

// steps reports each step on a line: on a terminal one that is rewritten until the step
// ends, elsewhere one when it starts and one when it ends.
type steps struct {
	out   io.Writer
	width func() int // columns of the terminal, 0 elsewhere

	mu    sync.Mutex
	begun string // the line that is being rewritten
}

func newSteps(out io.Writer) *steps {
	return &steps{out: out, width: func() int {
		file, ok := out.(*os.File)
		if !ok || os.Getenv("TERM") == "dumb" {
			return 0
		}
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 0 // not a terminal
		}
		return width
	}}
}

// eraseLine moves to the start of the line and clears it (ECMA-48, EL).
const eraseLine = "\r\x1b[K"

// printf writes a separate line.
func (s *steps) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun != "" {
		fmt.Fprint(s.out, eraseLine)
	}
	fmt.Fprintf(s.out, format+"\n", args...)
	fmt.Fprint(s.out, s.begun)
}

// update replaces the line of the step, cut to the terminal's width.
func (s *steps) update(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text := []rune(line); len(text) >= s.width() {
		line = string(text[:max(0, s.width()-2)]) + "…"
	}
	s.begun = line
	fmt.Fprint(s.out, eraseLine+line)
}

// do runs a step and reports it. progress is nil, or says how far the step is.
func (s *steps) do(name string, progress fmt.Stringer, run func() error) error {
	begin := time.Now()
	took := func() string { return fmt.Sprintf("%8.1f s  %s", time.Since(begin).Seconds(), name) }
	stop := func() {}
	if s.width() == 0 {
		s.printf(stepLine, "", name)
	} else {
		stop = s.rewrite(took, progress)
	}
	err := run()
	stop()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.printf("%s", took())
	return nil
}

// rewrite keeps the line of a step up to date until stop is called, and erases it.
func (s *steps) rewrite(took func() string, progress fmt.Stringer) (stop func()) {
	show := func() {
		line := took()
		if progress != nil {
			line += ": " + progress.String()
		}
		s.update(line)
	}
	show()
	ticker, ended := time.NewTicker(updateInterval), make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-ticker.C:
				show()
			case <-ended:
				return
			}
		}
	})
	return func() {
		ticker.Stop()
		close(ended)
		running.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprint(s.out, eraseLine)
		s.begun = ""
	}
}
