package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// version is one version of an object, or a deletion.
type version struct {
	key, text string
	at        time.Time
	deleted   bool
	id        int // set when listed
}

// fakeS3 is a versioned bucket "states" that answers in pages of two.
type fakeS3 struct {
	sync.Mutex
	versions []version // oldest first
	deletes  []string
}

func (f *fakeS3) put(key, text string, before time.Duration) {
	f.Lock()
	defer f.Unlock()
	f.versions = append(f.versions, version{key: key, text: text, at: time.Now().Add(-before)})
}

func (f *fakeS3) latest(key string) (version, bool) {
	for _, v := range slices.Backward(f.versions) {
		if v.key == key {
			return v, !v.deleted
		}
	}
	return version{}, false
}

func etag(v version) string { return fmt.Sprintf(`"%d-%d"`, len(v.text), v.at.UnixNano()) }

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.Lock()
	defer f.Unlock()
	key, inBucket := strings.CutPrefix(r.URL.Path, "/states")
	key = strings.TrimPrefix(key, "/")
	v, there := f.latest(key)
	switch {
	case !inBucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case r.URL.Query().Has("versions"):
		f.list(w, r.URL.Query().Get("key-marker"))
	case r.URL.Query().Has("versionId"):
		id, _ := strconv.Atoi(r.URL.Query().Get("versionId"))
		fmt.Fprint(w, f.versions[id].text)
	case r.Method == http.MethodGet && there && v.text == closed:
		refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodGet && there:
		w.Header().Set("ETag", etag(v))
		fmt.Fprint(w, v.text)
	case r.Method == http.MethodDelete && there && r.Header.Get("If-Match") != etag(v):
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodDelete:
		f.deletes = append(f.deletes, key)
		f.versions = append(f.versions, version{key: key, at: time.Now(), deleted: true})
		w.WriteHeader(http.StatusNoContent)
	default:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	}
}

// list writes two of the versions: sorted by key, the newest first.
func (f *fakeS3) list(w http.ResponseWriter, marker string) {
	all := slices.Clone(f.versions)
	for i := range all {
		all[i].id = i
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b version) int { return strings.Compare(a.key, b.key) })
	from, _ := strconv.Atoi(marker) // none: from the beginning
	to := min(from+2, len(all))
	fmt.Fprintf(w, "<ListVersionsResult><IsTruncated>%t</IsTruncated><NextKeyMarker>%d</NextKeyMarker>", to < len(all),
		to)
	for i, v := range all[from:to] {
		kind := "Version"
		if v.deleted {
			kind = "DeleteMarker"
		}
		fmt.Fprintf(w, "<%s><VersionId>%d</VersionId><Key>%s</Key><IsLatest>%t</IsLatest><LastModified>%s</LastModified></%s>", kind, v.id, v.key,
			from+i == 0 || all[from+i-1].key != v.key, v.at.UTC().Format(time.RFC3339Nano), kind)
	}
	fmt.Fprint(w, "</ListVersionsResult>")
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused</Message></Error>", code)
}

func keyOf(suffix string) string { return suffix + "/portfolio-" + suffix + ".tfstate" }

// stateText is a state as Terraform writes it, with this release and a password
// that must not be printed.
func stateText(region string) string {
	return fmt.Sprintf(`{"version": 4, "terraform_version": "1.11.4", "outputs": {"o": {"value": "hunter2"}}, "resources": [
		{"mode": "data", "type": "aws_caller_identity", "name": "account", "instances": [{"attributes": {"arn": "arn:aws:iam::1:root"}}]},
		{"mode": "managed", "type": "terraform_data", "name": "release", "instances": [{"attributes": {"id": "b1", "input": {
			"type": ["object", {"commit": "string"}],
			"value": {"author": "Zoë", "commit": "0123abc", "profile": "preview", "region": %q}}}}]},
		{"mode": "managed", "type": "aws_subnet", "name": "s", "instances": [
			{"attributes": {"arn": "arn:aws:ec2:eu-west-1:1:subnet/s-1", "password": "hunter2"}}, {"attributes": {"arn": null}}]}]}`, region)
}

// closed is a state that the current role may not read.
const closed = "closed"

const (
	emptyState = `{"version": 4, "resources": []}`
	// From an app that recorded no release, or a destroy that has removed it.
	halfState = `{"version": 4, "resources": [{"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [
		{"attributes": {"arn": "arn:aws:ec2:eu-west-1:1:vpc/v-1"}}]}]}`
)

// twoReleases is a state with a release that is to be destroyed and with one of a module's
// own beside the environment's.
const twoReleases = `{"version": 4, "resources": [{"mode": "managed", "type": "terraform_data", "name": "release", "instances": [
		{"attributes": {"input": {"value": {"commit": "0123abc", "region": "eu-west-1"}}}},
		{"deposed": "00000001", "attributes": {"input": {"value": {"commit": "old", "region": "us-east-1"}}}}]},
	{"module": "module.m", "mode": "managed", "type": "terraform_data", "name": "release", "instances": [
		{"attributes": {"input": {"value": {"commit": "other", "region": "us-west-1"}}}}]}]}`

// at starts a session whose state bucket is the fake one.
func at(t *testing.T, bucket http.Handler) (session, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(bucket)
	t.Cleanup(server.Close)
	useAWS(t, server.URL)
	var out bytes.Buffer
	return session{
		environ: map[string]string{"TERRAFORM_STATE_BUCKET": "states", "AWS_ENDPOINT_URL": server.URL},
		root:    fstest.MapFS{}, out: &out,
	}, &out
}

func TestEnvironments(t *testing.T) {
	bucket := &fakeS3{}
	s, out := at(t, bucket)
	day := 24 * time.Hour
	bucket.put(keyOf("pr7"), stateText("us-east-1"), 30*day) // an earlier pr7, destroyed
	bucket.versions = append(bucket.versions, version{key: keyOf("pr7"), at: time.Now().Add(-20 * day), deleted: true})
	bucket.put(keyOf("pr7"), emptyState, 3*day+time.Hour)
	bucket.put(keyOf("pr7"), stateText("eu-west-1"), 5*time.Hour+time.Minute)
	bucket.put(keyOf("two"), twoReleases, 3*time.Hour+time.Minute)
	bucket.put(keyOf("dev"), halfState, 90*time.Second)
	bucket.put(keyOf("cut"), "not of Terraform", 50*time.Hour) // the older ones are asked for the release
	bucket.put(keyOf("cut"), stateText("eu-west-2"), 49*time.Hour)
	bucket.put(keyOf("cut"), emptyState, 3*time.Hour+time.Minute)
	bucket.put(keyOf("bad"), `{"password": "hunter2`, 3*time.Hour+time.Minute)
	bucket.put(keyOf("void"), "", 3*time.Hour+time.Minute) // an empty file is a state without resources
	bucket.put(keyOf("zone"), closed, 3*time.Hour+time.Minute)
	bucket.put(keyOf("pr9")+".tflock", "{}", 0)
	bucket.put("pr9/portfolio-pr8.tfstate", stateText("eu-west-1"), 0)
	bucket.put("bootstrap/portfolio-bootstrap.tfstate", stateText("us-east-1"), 0) // is not an environment
	bucket.put("bootstrap/portfolio-bootstrap-eu-west-1.tfstate", stateText("eu-west-1"), 0)
	bucket.put("other.tfstate", stateText("eu-west-1"), 0)
	bucket.put(keyOf("gone"), stateText("eu-west-1"), day)
	bucket.versions = append(bucket.versions, version{key: keyOf("gone"), at: time.Now(), deleted: true})

	var stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), s, []string{"environments"}, &stderr), stderr.String())
	assert.Equal(t, strings.Join([]string{
		"SUFFIX  AGE    APPLIED    COMMIT   AUTHOR   REGION     RESOURCES",
		"bad     3 h    3 h ago    unknown  unknown  unknown    unknown",
		"cut     2 d    3 h ago    0123abc  Zoë      eu-west-2  0",
		"dev     1 min  1 min ago  unknown  unknown  unknown    1",
		"pr7     3 d    5 h ago    0123abc  Zoë      eu-west-1  3",
		"two     3 h    3 h ago    0123abc  unknown  eu-west-1  3",
		"void    3 h    3 h ago    unknown  unknown  unknown    0",
		"zone    3 h    3 h ago    unknown  unknown  unknown    unknown",
		"bad: its state cannot be read: got a text that is not a Terraform state",
		"zone: its state may not be read with these credentials",
		"",
	}, "\n"), out.String())

	out.Reset()
	require.Equal(t, 0, run(t.Context(), s, []string{"environments", "--json"}, &stderr), stderr.String())
	assert.NotContains(t, out.String(), "hunter2")
	var got []environment
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Len(t, got, 7)
	assert.Equal(t, "preview", got[3].Profile)
	assert.Nil(t, got[0].Resources)
}

func TestEnvironmentsRefuses(t *testing.T) {
	s, out := at(t, &fakeS3{})
	var stderr bytes.Buffer
	assert.Equal(t, exitUsage, run(t.Context(), s, []string{"environments", "pr7"}, &stderr))
	assert.Equal(t, exitUsage, run(t.Context(), s, []string{"environments", "--xml"}, &stderr))
	s.environ["TERRAFORM_STATE_BUCKET"] = "absent"
	assert.Equal(t, exitFailed, run(t.Context(), s, []string{"environments"}, &stderr))
	assert.Contains(t, stderr.String(), "state bucket absent: ")
	assert.Empty(t, out.String())
}

// A state that a deploy filled again after the destroy is not deleted.
func TestRemoveKeepsWhatIsInUse(t *testing.T) {
	bucket := &fakeS3{}
	s, _ := at(t, bucket)
	_, store, err := s.states(t.Context())
	require.NoError(t, err)
	e := environment{Suffix: "pr7", key: keyOf("pr7")}

	bucket.put(e.key, stateText("eu-west-1"), 0)
	require.ErrorContains(t, store.remove(t.Context(), e), "got 3 resources, want none: it is kept")
	assert.Empty(t, bucket.deletes)
	bucket.put(e.key, emptyState, 0)
	require.NoError(t, store.remove(t.Context(), e))
	require.NoError(t, store.remove(t.Context(), e), "it is already gone")
	assert.Equal(t, []string{e.key}, bucket.deletes)
}
