// Package page serves the page that people look at their portfolios with: the files that
// make builds from web/, which are part of the program. A program that was built without
// them serves a notice instead.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed all:static
var static embed.FS

// Assets is the path of the files whose names contain a hash of their content.
const Assets = "/assets/"

const (
	index = "/index.html"

	immutable  = "public, max-age=31536000, immutable" // a year
	revalidate = "no-cache"
	never      = "no-store"
)

// Handler serves the page's files.
type Handler struct {
	files  map[string]file // by path
	policy string
}

// file is a file of the page in its encodings.
type file struct {
	contentType, caching string
	variants             []variant // the smallest first, the file itself last
}

type variant struct {
	encoding string // of HTTP; "" for the file itself
	content  []byte
	etag     string
}

// New returns the page's handler. The page may connect to the service and to the
// WebSocket at a URL, and nowhere else.
func New(socket string) *Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is not valid
	}
	return newHandler(files, socket)
}

// newHandler serves what is in dist, or notice.html if there is no page in it.
func newHandler(static fs.FS, socket string) *Handler {
	h := &Handler{files: map[string]file{}, policy: policy(socket)}
	if dist, err := fs.Sub(static, "dist"); err == nil {
		h.add(dist)
	}
	if _, built := h.files[index]; !built {
		content, err := fs.ReadFile(static, "notice.html")
		if err != nil {
			panic(err) // embedded
		}
		h.files = map[string]file{index: {"text/html; charset=utf-8", never, []variant{newVariant("", content)}}}
	}
	return h
}

// add adds all files below a folder that are there uncompressed.
func (h *Handler) add(dist fs.FS) {
	_ = fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) == ".br" || path.Ext(name) == ".gz" {
			return nil //nolint:nilerr // the folder is not there, so that there is no page
		}
		f := file{contentType: contentType(name), caching: revalidate}
		switch at := "/" + name; {
		case at == index:
			f.caching = never
		case strings.HasPrefix(at, Assets):
			f.caching = immutable
		}
		for _, v := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
			if content, err := fs.ReadFile(dist, name+v.suffix); err == nil {
				f.variants = append(f.variants, newVariant(v.encoding, content))
			}
		}
		h.files["/"+name] = f
		return nil
	})
}

func newVariant(encoding string, content []byte) variant {
	return variant{encoding, content, fmt.Sprintf(`"%.16x"`, sha256.Sum256(content))}
}

// contentType returns the type of a file by its name. The system's table is not the same
// everywhere.
func contentType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	case ".ico":
		return "image/x-icon"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		if known := mime.TypeByExtension(ext); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}

// policy returns the Content-Security-Policy of the page.
func policy(socket string) string {
	connect := "'self'"
	if u, err := url.Parse(socket); err == nil && u.Host != "" {
		connect += " " + u.Scheme + "://" + u.Host
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
		"manifest-src 'self'", "connect-src " + connect, "base-uri 'none'", "form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

// Serve answers a request for a file of the page, compressed if the client accepts that,
// and reports whether it is one.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request) bool {
	name := r.URL.Path
	if name == "/" {
		name = index
	}
	f, found := h.files[name]
	if !found || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	v := f.variants[len(f.variants)-1]
	for _, smaller := range f.variants[:len(f.variants)-1] {
		if accepts(r, smaller.encoding) {
			v = smaller
			break
		}
	}
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", f.caching)
	header.Set("Content-Security-Policy", h.policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", v.etag)
	if v.encoding != "" {
		header.Set("Content-Encoding", v.encoding)
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(v.content))
	return true
}

// accepts reports whether a client accepts an encoding (RFC 9110, section 12.5.3).
func accepts(r *http.Request, encoding string) bool {
	for element := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, parameter, _ := strings.Cut(element, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight, given := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameter, " ", "")), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !given || err == nil && q > 0
	}
	return false
}
