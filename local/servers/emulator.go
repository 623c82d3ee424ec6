package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// EmulatorConfig configures StartEmulator. The zero value is right for tests.
type EmulatorConfig struct {
	Python string   // interpreter that has the emulator; "" for the one that make installs
	Port   int      // 0 chooses a free one
	Launch Launcher // nil ties the emulator to this process

	// The ports, on localhost, that the emulator reports for the RDS instance with the
	// identifier Database and for every serverless cache; 0 is the usual one.
	PostgresPort, ValkeyPort int
	Database                 string

	// EnforceIAM refuses calls that the policies of the caller do not allow. The access
	// key "test" is the account's root, who may do everything.
	EnforceIAM bool
	// Recording is a file to which every distinct call that a role makes is written, with
	// the statements that the role has; "" is none. Statements reads it.
	Recording string
}

// Emulator is a running emulator of AWS, empty when it starts.
type Emulator struct {
	URL    string // answers for every service
	Folder string // all its files; Stop removes it

	process *Process
}

// StartEmulator starts the emulator and returns when it answers. It listens on 127.0.0.1
// only. On error nothing is left.
func StartEmulator(ctx context.Context, c EmulatorConfig) (_ *Emulator, err error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	if c.Python == "" {
		c.Python = python(root)
	}
	if _, err := os.Stat(c.Python); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("emulator: got no %s, want what `make local` installs", c.Python)
	} else if err != nil {
		return nil, err
	}
	if c.Port == 0 {
		c.Port, err = FreePort()
	} else {
		err = portIsFree(c.Port) // or another server's answer would be mistaken for its own
	}
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "portfolio-emulator-")
	if err != nil {
		return nil, err
	}
	e := &Emulator{URL: "http://" + address(c.Port), Folder: folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Stop())
		}
	}()
	cmd := exec.Command(c.Python, filepath.Join(root, "local", "servers", "emulator.py"))
	cmd.Dir = folder
	// No other variables: the emulator could take one for a setting.
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + folder,
		"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "LOG_LEVEL=WARNING",
		"AUTH=" + strconv.FormatBool(c.EnforceIAM), "RECORDING=" + c.Recording,
		"BIND_HOST=" + Host, "GATEWAY_PORT=" + strconv.Itoa(c.Port), "REDIS_HOST=localhost",
		"REDIS_PORT=" + strconv.Itoa(cmp.Or(c.ValkeyPort, ValkeyPort)),
		"POSTGRES_PORT=" + strconv.Itoa(cmp.Or(c.PostgresPort, PostgresPort)), "POSTGRES_INSTANCE=" + c.Database,
		"AWS_ENDPOINT_URL=" + e.URL, // where Lambda functions call AWS
	}
	if e.process, err = Start("emulator", cmd, c.Launch); err != nil {
		return nil, err
	}
	if err := e.process.Await(ctx, e.healthy); err != nil {
		return nil, err
	}
	return e, nil
}

// python is the interpreter that make installs.
func python(root string) string { return filepath.Join(root, "build/tools/python/bin/python") }

// Stop ends the emulator and removes its files. A second call does nothing.
func (e *Emulator) Stop() error {
	var err error
	if e.process != nil {
		err = e.process.stop(syscall.SIGTERM)
	}
	return errors.Join(err, os.RemoveAll(e.Folder))
}

func portIsFree(port int) error {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	return l.Close()
}

func (e *Emulator) healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/_ministack/health", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", request.URL, response.Status)
	}
	return nil
}
