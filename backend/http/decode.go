package http

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// maxProblems bounds how many problems of one request are reported.
const maxProblems = 100

// problems collects everything that is wrong with a request.
type problems struct {
	list  []error
	paths map[string]bool // of list, and those of the objects that they are in
	lost  map[string]bool // of values that could not be decoded; "" for the body
}

func (p *problems) add(path, got, want string) {
	if p.paths == nil {
		p.paths = map[string]bool{}
	}
	for of := path; of != ""; of = of[:max(0, strings.LastIndexByte(of, '.'))] {
		p.paths[of] = true
	}
	if len(p.list) < maxProblems {
		p.list = append(p.list, &backend.FieldError{Path: path, Got: got, Want: want})
	}
}

// addAll adds the field errors in err, whose paths are relative to path. It leaves
// out fields whose values are not what was sent: they have a problem already, or a member
// of theirs has, or they are part of something that could not be decoded.
func (p *problems) addAll(path string, err error) {
	for _, e := range fieldErrors(err) {
		if full := join(path, e.Path); !p.paths[full] && !p.isLost(full) {
			p.add(full, e.Got, e.Want)
		}
	}
}

// isLost reports whether a field is part of something that could not be decoded.
func (p *problems) isLost(path string) bool {
	for path != "" && !p.lost[path] {
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return p.lost[path]
}

// undecoded adds a value that is not of the wanted type.
func (p *problems) undecoded(path, got string, want reflect.Type) {
	if p.lost == nil {
		p.lost = map[string]bool{}
	}
	p.lost[path] = true
	p.add(join("body", path), got, wanted(want))
}

// err returns the problems as one error, or nil if there are none.
func (p *problems) err() error { return invalid(errors.Join(p.list...)) }

// decode reads a body and decodes it as decodeValue does. Its error is about a body
// that cannot be read or is not JSON.
func decode(w http.ResponseWriter, r *http.Request, into any) (*problems, error) {
	body, err := readJSON(w, r)
	if err != nil {
		return nil, err
	}
	return decodeValue(body, into), nil
}

// readJSON reads a body of one JSON value. A name twice in an object, invalid UTF-8
// and a lone surrogate are not JSON.
func readJSON(w http.ResponseWriter, r *http.Request) (jsontext.Value, error) {
	body, err := readBody(w, r, maxJSON, bodyTimeout)
	if err != nil {
		return nil, err
	}
	var value jsontext.Value
	if err := json.Unmarshal(body, &value); err != nil {
		return nil, notJSON(err)
	}
	return value, nil
}

// decodeValue decodes a JSON object into the struct that into points to, and returns
// everything that is wrong with it: members that are unknown, have another type, or
// are absent although they are not marked omitempty. A member that is absent keeps
// the value that into has.
func decodeValue(value jsontext.Value, into any) *problems {
	p := &problems{}
	p.decode("", value, reflect.ValueOf(into).Elem(), false)
	return p
}

// notJSON says why a body is not JSON.
func notJSON(err error) error {
	got := "invalid JSON"
	switch syntax := (*jsontext.SyntacticError)(nil); {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		got = fmt.Sprintf("the member %.40q twice", syntax.JSONPointer.LastToken())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		got = "incomplete JSON"
	case errors.As(err, &syntax):
		got = fmt.Sprintf("invalid JSON at byte %d", syntax.ByteOffset)
	}
	return wrongField("body", got, "one JSON object in valid UTF-8")
}

// decode decodes one value. Value is valid JSON.
func (p *problems) decode(path string, value jsontext.Value, into reflect.Value, nullable bool) {
	switch {
	case value.Kind() == 'n':
		if !nullable {
			p.undecoded(path, "null", into.Type())
		}
	case into.Kind() == reflect.Pointer:
		target := reflect.New(into.Type().Elem())
		p.decode(path, value, target.Elem(), false)
		into.Set(target)
	case isLeaf(into.Type()):
		if json.Unmarshal(value, into.Addr().Interface()) != nil {
			p.undecoded(path, fmt.Sprintf("%.40s", value), into.Type())
		}
	case into.Kind() == reflect.Slice && value.Kind() == '[':
		p.decodeArray(path, value, into)
	case into.Kind() == reflect.Struct && value.Kind() == '{':
		p.decodeObject(path, value, into)
	case into.Kind() == reflect.Map && value.Kind() == '{':
		p.decodeMap(path, value, into)
	default:
		p.undecoded(path, fmt.Sprintf("%.40s", value), into.Type())
	}
}

func (p *problems) decodeArray(path string, value jsontext.Value, into reflect.Value) {
	elements := reflect.MakeSlice(into.Type(), 0, 0)
	for _, element := range children(value) {
		target := reflect.New(into.Type().Elem()).Elem()
		p.decode(fmt.Sprintf("%s[%d]", path, elements.Len()), element.value, target, false)
		elements = reflect.Append(elements, target)
	}
	into.Set(elements)
}

func (p *problems) decodeObject(path string, value jsontext.Value, into reflect.Value) {
	given := map[string]jsontext.Value{}
	var known []string
	for _, member := range children(value) {
		given[member.name] = member.value
	}
	for i := range into.NumField() {
		field := into.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		known = append(known, name)
		member, there := given[name]
		switch delete(given, name); {
		case there:
			p.decode(join(path, name), member, into.Field(i), field.Tag.Get("nullable") == "true")
		case options != "omitempty":
			p.add(join(path, name), "nothing", wanted(field.Type))
		}
	}
	for _, member := range children(value) {
		if _, unknown := given[member.name]; unknown {
			p.add(join(path, fmt.Sprintf("%.40q", member.name)), "an unknown member", "only "+strings.Join(known, ", "))
		}
	}
}

// decodeMap decodes an object whose members have names of the caller's own.
func (p *problems) decodeMap(path string, value jsontext.Value, into reflect.Value) {
	members := reflect.MakeMap(into.Type())
	for _, member := range children(value) {
		target := reflect.New(into.Type().Elem()).Elem()
		p.decode(join(path, fmt.Sprintf("%.40s", member.name)), member.value, target, false)
		members.SetMapIndex(reflect.ValueOf(member.name), target)
	}
	into.Set(members)
}

// child is an element of an array, or a member of an object.
type child struct {
	name  string
	value jsontext.Value
}

// children returns the elements of an array or the members of an object, in order.
func children(value jsontext.Value) (all []child) {
	decoder := jsontext.NewDecoder(bytes.NewReader(value))
	_, _ = decoder.ReadToken() // value is valid: nothing below fails
	for decoder.PeekKind() != ']' && decoder.PeekKind() != '}' {
		var c child
		if value.Kind() == '{' {
			name, _ := decoder.ReadToken()
			c.name = name.String()
		}
		raw, _ := decoder.ReadValue()
		c.value = slices.Clone(raw)
		all = append(all, c)
	}
	return all
}

// join appends a name to a path.
func join(path, name string) string {
	switch {
	case path == "" || path == "body" && name != "":
		return name
	case name == "":
		return path
	}
	return path + "." + name
}

// isLeaf reports whether JSON holds values of a type as one string, number or
// boolean.
func isLeaf(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	case reflect.Slice:
		return false
	}
	return true
}

// formats describes the types whose values have a format of their own.
var formats = map[reflect.Type]string{
	reflect.TypeFor[number]():        `a decimal as a string, such as "12.50"`,
	reflect.TypeFor[backend.Date]():  "a day such as 2026-02-28",
	reflect.TypeFor[backend.Clock](): "a time of day such as 09:30 or 09:30:15",
	reflect.TypeFor[time.Time]():     "an RFC 3339 time such as 2026-02-28T09:30:00Z",
}

// wanted describes the values of a type.
func wanted(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if format, known := formats[t]; known {
		return format
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "an integer"
	case reflect.Slice:
		return "an array"
	case reflect.Struct:
		if !isLeaf(t) {
			return "an object"
		}
	}
	return "a string"
}

// number is a decimal that JSON holds as a string: most clients would read a JSON
// number as floating point.
type number struct{ decimal.Decimal }

// numberForm excludes numbers that no limit of the domain would accept, before
// they are parsed.
var numberForm = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)

// UnmarshalText accepts digits with an optional sign and decimal point.
func (n *number) UnmarshalText(text []byte) error {
	if !numberForm.Match(text) {
		return errors.New("not a decimal")
	}
	return n.Decimal.UnmarshalText(text)
}

// UnmarshalJSON accepts what UnmarshalText does, as a string.
func (n *number) UnmarshalJSON(value []byte) error {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return err
	}
	return n.UnmarshalText([]byte(text))
}
