package servers_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"portfolio/local/servers"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	createGroup = "Action=CreateAutoScalingGroup&Version=2011-01-01&AutoScalingGroupName=group&MinSize=1&MaxSize=2"
	createRole  = "Action=CreateRole&Version=2010-05-08&RoleName=role&AssumeRolePolicyDocument=%7B%7D"
	readRole    = "Action=GetRole&Version=2010-05-08&RoleName=role"
)

// The SDKs repeat a call whose answer they could not read. The repetition must not fail
// because of what the first attempt created, but a new call for the same resource must.
func TestEmulatorAnswersARepeatedCall(t *testing.T) {
	emulator, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, emulator.Stop()) })
	send := func(service, call, invocation string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, emulator.URL, strings.NewReader(call))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Amz-Sdk-Invocation-Id", invocation)
		request.Header.Set("Authorization",
			"AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response.StatusCode, string(text)
	}

	early := uuid.NewString()
	status, answer := send("iam", readRole, early)
	require.Equal(t, http.StatusNotFound, status, answer)
	for service, c := range map[string]struct{ call, refusal string }{
		"autoscaling": {createGroup, ">AlreadyExists<"},
		"iam":         {createRole, ">EntityAlreadyExists<"},
	} {
		invocation := uuid.NewString()
		answers := make([]string, 3)
		var attempts sync.WaitGroup // at the same time, as if the first one were slow
		for i := range answers {
			attempts.Go(func() { _, answers[i] = send(service, c.call, invocation) })
		}
		attempts.Wait()
		status, answer := send(service, c.call, invocation)
		assert.Equal(t, http.StatusOK, status, answer)
		assert.Equal(t, []string{answer, answer, answer}, answers)

		status, answer = send(service, c.call, uuid.NewString())
		assert.NotEqual(t, http.StatusOK, status)
		assert.Contains(t, answer, c.refusal)
	}
	status, answer = send("iam", readRole, early)
	assert.Equal(t, http.StatusOK, status, "a call that failed is carried out again: %s", answer)
}
