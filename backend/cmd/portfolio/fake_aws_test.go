package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// cloud replaces Secrets Manager, S3 and API Gateway.
type cloud struct {
	*httptest.Server

	mu      sync.Mutex
	secrets map[string][]string // the versions by ARN, the current one first
	rotated time.Time
	reads   int
	posted  map[string][]string // messages by connection
	objects map[string]string   // of the bucket, by key
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{secrets: map[string][]string{}, posted: map[string][]string{}, objects: map[string]string{},
		rotated: time.Now().Add(-time.Hour)}
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

// closed marks the end of a connection among its messages.
const closed = "(closed)"

// post stores a message to a connection, or closes the connection.
func (c *cloud) post(w http.ResponseWriter, r *http.Request, connection string) {
	message, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if r.Method == http.MethodDelete {
		message = []byte(closed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posted[connection] = append(c.posted[connection], string(message))
}

// serveObject creates an object that does not exist yet, or returns one.
func (c *cloud) serveObject(w http.ResponseWriter, r *http.Request, key string) {
	if r.Method == http.MethodGet {
		text := c.object(key)
		if text == "" {
			w.WriteHeader(http.StatusNotFound)
			text = "<Error><Code>NoSuchKey</Code></Error>"
		}
		_, _ = io.WriteString(w, text) // a caller that is gone fails itself
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPut || r.Header.Get("If-None-Match") != "*" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.objects[key]; there {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	c.objects[key] = string(body)
}

// object returns the object of a key, "" if there is none.
func (c *cloud) object(key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[key]
}

// messages returns what a connection's client has received.
func (c *cloud) messages(connection string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.posted[connection])
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if connection, is := strings.CutPrefix(r.URL.Path, "/prod/@connections/"); is {
		c.post(w, r, connection)
		return
	}
	if key, is := strings.CutPrefix(r.URL.Path, "/"+bucket+"/"); is && key != "" {
		c.serveObject(w, r, key)
		return
	}
	if r.URL.Query().Get("list-type") == "2" {
		_, _ = io.WriteString(w, "<ListBucketResult/>") // if the caller is gone, its own test fails
		return
	}
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
		_, _ = io.WriteString(w, `{"__type":"ResourceNotFoundException","Message":"not found"}`) // if the caller is gone, its own test fails
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"ARN": in.SecretID, "SecretString": c.secrets[in.SecretID][index], "CreatedDate": c.rotated.Unix(),
	})
}

// read returns how many versions of secrets have been read so far.
func (c *cloud) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}
