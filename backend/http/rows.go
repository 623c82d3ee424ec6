package http

import (
	"fmt"
	"regexp"
	"strconv"

	"portfolio/backend"
)

// CodeInvalidRows is the code of an import in which rows are wrong.
const CodeInvalidRows backend.Code = "invalid_rows"

// rowProblem is one problem of a row.
type rowProblem struct {
	Row     int    `json:"row"` // its line in the file, of which the header is 1; 0 for the whole file
	Problem string `json:"problem"`
}

// rowsError reports an import that was refused because of its rows.
type rowsError struct{ importOutput }

func (e *rowsError) Error() string {
	return fmt.Sprintf("row %d: %s", e.Problems[0].Row, e.Problems[0].Problem)
}

func (e *rowsError) Unwrap() error {
	return &backend.Error{Code: CodeInvalidRows, Message: "nothing was recorded: " + e.Error()}
}

// rowForm matches an error about a transaction by the ID that readCSV gave it.
var rowForm = regexp.MustCompile(`(?s)^row ([0-9]+)\b.*?: (.*)$`)

// derivationProblems splits an error of deriving a portfolio into problems of rows. It
// returns any other error.
func derivationProblems(err error) ([]rowProblem, error) {
	list := []rowProblem{}
	for _, e := range split(err) {
		if code := publicError(e).Code; code != backend.CodeOversold && code != backend.CodeInvalidRequest {
			return nil, err
		}
		problem := rowProblem{Problem: e.Error()}
		if row := rowForm.FindStringSubmatch(problem.Problem); row != nil {
			problem.Row, _ = strconv.Atoi(row[1]) // digits
			problem.Problem = row[2]
		}
		list = append(list, problem)
	}
	return list, nil
}

// split returns the errors that err joins.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, split(e)...)
		}
		return all
	}
	return []error{err}
}
