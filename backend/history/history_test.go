package history_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"portfolio/backend/history"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
)

func TestCheck(t *testing.T) {
	var status int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "HEAD /days", r.Method+" "+r.URL.Path)
		w.WriteHeader(status)
	}))
	defer server.Close()
	b := history.NewBucket(s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
	}), "days")

	status = http.StatusOK
	assert.NoError(t, b.Check(t.Context()))
	for _, status = range []int{http.StatusForbidden, http.StatusNotFound, http.StatusServiceUnavailable} {
		assert.ErrorContains(t, b.Check(t.Context()), "bucket days: ")
	}
}
