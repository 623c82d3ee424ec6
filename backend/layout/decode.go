package layout

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// binaries are the beginnings of files that people take for text.
var binaries = []struct{ start, name string }{
	{"PK\x03\x04", "a spreadsheet or an archive (ZIP)"},
	{"\xd0\xcf\x11\xe0", "a spreadsheet (XLS)"},
	{"%PDF", "a PDF"},
	{"\x1f\x8b", "a compressed file (gzip)"},
}

// decode returns the text of a file without a byte order mark, its lines ended
// by LF or CRLF.
func decode(file []byte) (string, error) {
	if len(file) > MaxBytes {
		return "", fileError(fmt.Sprintf("%d bytes", len(file)), fmt.Sprintf("at most %d", MaxBytes))
	}
	for _, b := range binaries {
		if bytes.HasPrefix(file, []byte(b.start)) {
			return "", fileError(b.name, "CSV, JSON or XML")
		}
	}
	decoded, err := encodingOf(file).NewDecoder().Bytes(file)
	if err != nil {
		return "", fileError("an unknown encoding", "UTF-8, UTF-16 or Windows-1252")
	}
	text := strings.TrimPrefix(string(decoded), "\ufeff")
	if strings.ContainsRune(text, 0) {
		return "", fileError("a binary file", "CSV, JSON or XML")
	}
	if strings.TrimSpace(text) == "" {
		return "", fileError("an empty file", "CSV, JSON or XML")
	}
	if !strings.Contains(text, "\n") { // as the classic Mac OS ended lines
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	return text, nil
}

// encodingOf recognises an encoding by its byte order mark, then by the zero
// bytes that UTF-16 has in every Latin letter, then by whether UTF-8 is valid.
func encodingOf(file []byte) encoding.Encoding {
	start := file[:min(len(file), 256)]
	even, odd := 0, 0
	for i, b := range start {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	switch {
	case bytes.HasPrefix(file, []byte{0xff, 0xfe}), odd > len(start)/4 && even == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(file, []byte{0xfe, 0xff}), even > len(start)/4 && odd == 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case utf8.Valid(file):
		return encoding.Nop
	default:
		return charmap.Windows1252
	}
}
