package page

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

const socket = "wss://abc.execute-api.eu-west-1.amazonaws.com/prod"

func built() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"notice.html": "notice", "dist/index.html": "index", "dist/index.html.br": "index br", "dist/index.html.gz": "index gz",
		"dist/icon.svg": "icon", "dist/app.webmanifest": "{}",
		"dist/assets/app-1a2b.js": "script", "dist/assets/app-1a2b.js.br": "script br", "dist/assets/app-1a2b.js.gz": "script gz",
		"dist/assets/app-3c4d.css": "style", "dist/assets/app-3c4d.css.gz": "style gz",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// get calls the handler. More are pairs of header names and values.
func get(h *Handler, method, path string, more ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	w := httptest.NewRecorder()
	if !h.Serve(w, r) {
		w.Code = http.StatusNotFound
	}
	return w
}

func TestFiles(t *testing.T) {
	h := newHandler(built(), socket)
	for _, test := range []struct{ path, accept, body, encoding, kind, caching string }{
		{"/", "", "index", "", "text/html; charset=utf-8", "no-store"},
		{"/", "gzip, deflate, br, zstd", "index br", "br", "text/html; charset=utf-8", "no-store"},
		{"/index.html", "gzip", "index gz", "gzip", "text/html; charset=utf-8", "no-store"},
		{"/assets/app-1a2b.js", "", "script", "", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/app-1a2b.js", "GZIP;q=0.5 , BR ; q=0.1", "script br", "br", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/app-1a2b.js", "br;q=0, gzip;q=0.001", "script gz", "gzip", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/app-1a2b.js", "br;q=0,gzip;q=0.0", "script", "", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/app-1a2b.js", "brotli, xgzip, identity", "script", "", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/app-3c4d.css", "br", "style", "", "text/css; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/icon.svg", "br", "icon", "", "image/svg+xml", "no-cache"},
		{"/app.webmanifest", "", "{}", "", "application/manifest+json", "no-cache"},
	} {
		var more []string
		if test.accept != "" {
			more = []string{"Accept-Encoding", test.accept}
		}
		got := get(h, http.MethodGet, test.path, more...)
		assert.Equal(t, test, struct{ path, accept, body, encoding, kind, caching string }{
			test.path, test.accept, got.Body.String(), got.Header().Get("Content-Encoding"),
			got.Header().Get("Content-Type"), got.Header().Get("Cache-Control"),
		})
		assert.Equal(t, 200, got.Code)
		assert.Equal(t, "Accept-Encoding", got.Header().Get("Vary"))
		again := get(h, http.MethodGet, test.path, append(more, "If-None-Match", got.Header().Get("ETag"))...)
		assert.Equal(t, 304, again.Code, test.path)
		assert.Empty(t, again.Body.String())
		head := get(h, http.MethodHead, test.path, more...)
		assert.Equal(t, 200, head.Code)
		assert.Empty(t, head.Body.String())
	}
}

func TestNoFiles(t *testing.T) {
	h := newHandler(built(), socket)
	for _, path := range []string{"/none", "/assets/", "/assets", "/assets/app-1a2b.js.br", "/assets/app-1a2b.js.gz",
		"/notice.html", "/dist/index.html", "//index.html", "/assets/../page.go"} {
		assert.Equal(t, 404, get(h, http.MethodGet, path).Code, path)
	}
	assert.Equal(t, 404, get(h, http.MethodPost, "/").Code)
}

// The policy allows no inline script or style, and connections to the service and its
// socket only.
func TestPolicy(t *testing.T) {
	const rest = "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	const files = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; manifest-src 'self'; connect-src 'self'"
	for url, want := range map[string]string{
		socket: files + " wss://abc.execute-api.eu-west-1.amazonaws.com" + rest,
		"ws://abc.execute-api.localhost:4566/prod": files + " ws://abc.execute-api.localhost:4566" + rest,
		"": files + rest,
	} {
		got := get(newHandler(built(), url), http.MethodGet, "/")
		assert.Equal(t, want, got.Header().Get("Content-Security-Policy"))
		assert.Equal(t, "same-origin", got.Header().Get("Cross-Origin-Opener-Policy"))
	}
}

// A program that was built without the page says so.
func TestNotice(t *testing.T) {
	got := get(newHandler(fstest.MapFS{"notice.html": {Data: []byte("notice")}}, socket), http.MethodGet, "/")
	assert.Equal(t, []any{200, "notice", "no-store"},
		[]any{got.Code, got.Body.String(), got.Header().Get("Cache-Control")})
	assert.Equal(t, 404, get(newHandler(fstest.MapFS{"notice.html": {}}, socket), http.MethodGet,
		"/assets/app-1a2b.js").Code)
	assert.Equal(t, 200, get(New(socket), http.MethodGet, "/").Code, "what is embedded")
}
