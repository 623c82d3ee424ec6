package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// portfolios does what the platform is for: a transaction arrives at one instance by HTTP
// and a quote at the other, and two clients, one joined through each instance, receive the
// portfolio's new values over the real socket, in order.
func portfolios(t *testing.T, p *platform.Platform) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ada := apiKey(ctx, t, p, "ada", "read,trade,feed")
	one, two := instance{t, p.Ports().Services[0], ada}, instance{t, p.Ports().Services[1], ada}
	path := one.create(ctx, "/v1/portfolios", `{"name":"Pension","base_currency":"EUR"}`)
	first, second := join(ctx, t, p, one, path.id), join(ctx, t, p, two, path.id)

	one.create(ctx, path.of("/transactions"),
		`{"kind":"BUY","date":"2026-01-02","symbol":"ACME","quantity":"10","price":"12.5","currency":"EUR"}`)
	two.quote(ctx, "20")
	for _, c := range []*watcher{first, second} {
		c.until(ctx, "delta", "75") // 10 at 20 each, less their cost of 125
	}
	one.quote(ctx, "20.5")
	for _, c := range []*watcher{first, second} {
		d := c.until(ctx, "delta", "80")
		require.Len(t, d.Quotes, 1, "the price from which the value is computed")
		assert.Equal(t, "20.5", d.Quotes[0].Price)
	}

	eve := dial(ctx, t, p, apiKey(ctx, t, p, "eve", "read"))
	eve.send(ctx, `{"action":"subscribe","portfolio":%q}`, path.id)
	assert.Equal(t, "not_found", eve.next(ctx).Code, "another owner's portfolio")
	_, err := p.Dial(ctx, "")
	require.Error(t, err, "no socket without a ticket")
	ticket, err := p.Ticket(ctx, ada)
	require.NoError(t, err)
	conn, err := p.Dial(ctx, "ticket="+ticket)
	require.NoError(t, err)
	defer conn.CloseNow()
	_, err = p.Dial(ctx, "ticket="+ticket)
	require.Error(t, err, "a ticket opens one socket")
}

// instance is one of the service's two instances, called without the load balancer.
type instance struct {
	t    *testing.T
	port int
	key  string
}

// join subscribes a new client while the load balancer has no other instance.
func join(ctx context.Context, t *testing.T, p *platform.Platform, i instance, portfolio string) *watcher {
	t.Helper()
	client := elasticloadbalancingv2.NewFromConfig(sdk(t, p))
	groups, err := client.DescribeTargetGroups(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"portfolio-tg-" + suffix}})
	require.NoError(t, err)
	group := groups.TargetGroups[0].TargetGroupArn
	registered, err := client.DescribeTargetHealth(ctx,
		&elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: group})
	require.NoError(t, err)
	var others []types.TargetDescription
	for _, target := range registered.TargetHealthDescriptions {
		if int(*target.Target.Port) != i.port {
			others = append(others, *target.Target)
		}
	}
	require.Len(t, others, 1, "of two instances")
	_, err = client.DeregisterTargets(ctx,
		&elasticloadbalancingv2.DeregisterTargetsInput{TargetGroupArn: group, Targets: others})
	require.NoError(t, err)
	w := dial(ctx, t, p, i.key)
	w.send(ctx, `{"action":"subscribe","portfolio":%q}`, portfolio)
	assert.Equal(t, "0", w.until(ctx, "snapshot", "0").Valuation.Total)
	_, err = client.RegisterTargets(ctx,
		&elasticloadbalancingv2.RegisterTargetsInput{TargetGroupArn: group, Targets: others})
	require.NoError(t, err)
	return w
}

// call makes a request that must be answered with a status.
func (i instance) call(ctx context.Context, path, body string, want int, into any) {
	i.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d%s", i.port, path),
		bytes.NewReader([]byte(body)))
	require.NoError(i.t, err)
	r.Header.Set("Authorization", "Bearer "+i.key)
	response, err := http.DefaultClient.Do(r)
	require.NoError(i.t, err)
	defer response.Body.Close()
	require.Equal(i.t, want, response.StatusCode, "POST %s", path)
	require.NoError(i.t, json.NewDecoder(response.Body).Decode(into))
}

// resource is something that was created.
type resource struct{ path, id string }

func (r resource) of(below string) string { return r.path + below }

func (i instance) create(ctx context.Context, path, body string) resource {
	i.t.Helper()
	var made struct{ ID string }
	i.call(ctx, path, body, http.StatusCreated, &made)
	return resource{path + "/" + made.ID, made.ID}
}

func (i instance) quote(ctx context.Context, price string) {
	i.t.Helper()
	var done struct{ Newer int }
	i.call(ctx, "/v1/quotes",
		fmt.Sprintf(`{"quotes":[{"symbol":"ACME","price":%q,"currency":"EUR","source":"live","time":%q}]}`,
			price, time.Now().UTC().Format(time.RFC3339Nano)), http.StatusOK, &done)
	require.Equal(i.t, 1, done.Newer)
}

func apiKey(ctx context.Context, t *testing.T, p *platform.Platform, owner, scopes string) string {
	t.Helper()
	key, err := p.CreateKey(ctx, owner, "live test", scopes)
	require.NoError(t, err)
	return key
}

// watcher is a client on a WebSocket.
type watcher struct {
	t        *testing.T
	conn     *websocket.Conn
	sequence int64 // of the latest message
}

// dial opens a WebSocket with a ticket of a key. It is closed when the test ends.
func dial(ctx context.Context, t *testing.T, p *platform.Platform, key string) *watcher {
	t.Helper()
	conn, err := p.Connect(ctx, key)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &watcher{t: t, conn: conn}
}

// message is the part of a service's message that the test reads.
type message struct {
	Type, Code string
	Sequence   int64
	Total      string
	Valuation  struct{ Total string }
	Quotes     []struct{ Price string }
}

func (w *watcher) send(ctx context.Context, format string, args ...any) {
	w.t.Helper()
	require.NoError(w.t, w.conn.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)))
}

func (w *watcher) next(ctx context.Context) message {
	w.t.Helper()
	_, text, err := w.conn.Read(ctx)
	require.NoError(w.t, err)
	var n message
	require.NoError(w.t, json.Unmarshal(text, &n), string(text))
	return n
}

// until reads messages up to one of a type with this total. Their sequence numbers grow.
func (w *watcher) until(ctx context.Context, kind, total string) message {
	w.t.Helper()
	for {
		n := w.next(ctx)
		if n.Sequence != 0 {
			require.Greater(w.t, n.Sequence, w.sequence, "sequence numbers grow")
			w.sequence = n.Sequence
		}
		if n.Type == kind && max(n.Total, n.Valuation.Total) == total {
			return n
		}
	}
}
