package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A connection is reused from event to event, but not for longer than the load
// balancer keeps it open, even if the process was frozen in between.
func TestConnectionIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		rest        time.Duration
		connections int32
	}{
		"at once":      {0, 1},
		"in time":      {maxIdle, 1},
		"after a rest": {maxIdle + time.Millisecond, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, []string{oldKey}, says(204, ""))
			var opened atomic.Int32
			r.service.Server = httptest.NewUnstartedServer(r.service)
			r.service.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					opened.Add(1)
				}
			}
			r.service.Start()
			t.Cleanup(r.service.Close)
			r.handler.service.base.Host = r.service.Listener.Addr().String()

			now := time.Now()
			r.handler.now = func() time.Time { return now }
			r.invoke(t, messageEvent(hello))
			now = now.Add(test.rest)
			r.invoke(t, messageEvent(hello))
			assert.Equal(t, test.connections, opened.Load())
		})
	}
}
