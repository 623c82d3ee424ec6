package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// cloud stands in for Secrets Manager and S3.
type cloud struct {
	*httptest.Server

	mu      sync.Mutex
	secrets map[string][]string // the versions by ARN, the current one first
	rotated time.Time
	reads   int
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{secrets: map[string][]string{}, rotated: time.Now().Add(-time.Hour)}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// rotate gives a secret a new current version.
func (c *cloud) rotate(arn, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets[arn] = append([]string{value}, c.secrets[arn]...)
	c.rotated = time.Now()
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		if r.Method != http.MethodHead || strings.Trim(r.URL.Path, "/") != bucket {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	var in struct {
		SecretID     string `json:"SecretId"`
		VersionStage string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	index := map[string]int{"": 0, "AWSCURRENT": 0, "AWSPREVIOUS": 1}[in.VersionStage]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if index >= len(c.secrets[in.SecretID]) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException","Message":"not there"}`) // a caller that is gone fails itself
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"ARN": in.SecretID, "SecretString": c.secrets[in.SecretID][index], "CreatedDate": c.rotated.Unix(),
	})
}

// read is how many versions of secrets were read so far.
func (c *cloud) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}
