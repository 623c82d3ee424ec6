package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"portfolio/local/servers"
)

// A yardstick does the least work with which a program that uses net/http can handle the
// same load. Machines differ, so the service's processor time is compared with that of a
// yardstick in the same run. A yardstick is this program in another process, so that its
// processor time is measured separately.
const yardstickVariable = "LOAD_YARDSTICK" // the name of a yardstick, "" in the program itself

var yardsticks = map[string]func(stdin io.Reader, stdout io.Writer) error{"serve": serveBare, "post": postBare}

// runYardstick runs the yardstick that the environment names and reports whether
// there is one.
func runYardstick() bool {
	run := yardsticks[os.Getenv(yardstickVariable)]
	if run == nil {
		return false
	}
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// yardstick returns the command that runs a yardstick.
func yardstick(ctx context.Context, name string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program)
	cmd.Env, cmd.Stderr = append(os.Environ(), yardstickVariable+"="+name), os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// serveBare reads a line with the length of the answer, then the answer, writes its own
// address, and sends that answer to every request until stdin ends.
func serveBare(stdin io.Reader, stdout io.Writer) error {
	in := bufio.NewReader(stdin)
	var length int
	if _, err := fmt.Fscanln(in, &length); err != nil {
		return err
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(in, answer); err != nil {
		return err
	}
	l, err := net.Listen("tcp", servers.Host+":0")
	if err != nil {
		return err
	}
	reply := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // the client has gone away
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(reply)}
	go func() {
		_, _ = io.Copy(io.Discard, in) // until the load closes it
		_ = server.Close()
	}()
	fmt.Fprintln(stdout, "http://"+l.Addr().String())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// startBare starts serveBare.
func startBare(ctx context.Context, answer []byte) (*bareServer, error) {
	cmd, err := yardstick(ctx, "serve")
	if err != nil {
		return nil, err
	}
	b := &bareServer{cmd: cmd}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	b.stdin = stdin
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(stdin, "%d\n%s", len(answer), answer)
	if err == nil {
		b.base, err = bufio.NewReader(stdout).ReadString('\n')
	}
	if err != nil {
		return nil, errors.Join(err, b.stop())
	}
	b.base = strings.TrimSpace(b.base)
	return b, nil
}

// bareServer is a running serveBare.
type bareServer struct {
	base  string
	cmd   *exec.Cmd
	stdin io.Closer // the server ends when it is closed
}

func (b *bareServer) stop() error { return errors.Join(b.stdin.Close(), b.cmd.Wait()) }

// barePosts is the input of postBare.
type barePosts struct {
	URL       string
	Message   []byte
	Posts     int64
	Burst     int64         // posts that are due at once, as after a quote
	Every     time.Duration // between bursts
	Workers   int           // also the number of TCP connections
	Signature string        // any text of the length of a signature
}

// bareUse is the output of postBare.
type bareUse struct {
	Posts int64
	Used  time.Duration // processor time
}

// postBare posts a message repeatedly.
func postBare(stdin io.Reader, stdout io.Writer) error {
	var in barePosts
	if err := json.NewDecoder(stdin).Decode(&in); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: in.Workers, MaxConnsPerHost: in.Workers}}
	before, began := ownUse(), time.Now()
	var next, made atomic.Int64
	failures := make([]error, in.Workers)
	var workers sync.WaitGroup
	for w := range in.Workers {
		workers.Go(func() {
			for failures[w] == nil {
				n := next.Add(1)
				if n > in.Posts {
					return
				}
				time.Sleep(time.Until(began.Add(time.Duration((n-1)/in.Burst) * in.Every)))
				if failures[w] = in.post(client); failures[w] == nil {
					made.Add(1)
				}
			}
		})
	}
	workers.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(bareUse{made.Load(), ownUse() - before})
}

func (in barePosts) post(client *http.Client) error {
	r, err := http.NewRequest(http.MethodPost, in.URL, bytes.NewReader(in.Message)) //nolint:noctx // ends with its process
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", in.Signature)
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// runPosts runs postBare to its end.
func runPosts(ctx context.Context, in barePosts) (use bareUse, err error) {
	cmd, err := yardstick(ctx, "post")
	if err != nil {
		return use, err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return use, err
	}
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		return use, fmt.Errorf("bare client: %w", err)
	}
	return use, json.Unmarshal(out, &use)
}

// ownUse returns the processor time that this process has used.
func ownUse() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		panic(err) // impossible with these arguments
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
