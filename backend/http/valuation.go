package http

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"portfolio/backend"
)

// Days stores the valuations of portfolios at the close of past days.
type Days interface {
	// Day returns the stored valuation of a portfolio as JSON, and whether there is
	// one.
	Day(ctx context.Context, portfolio string, day backend.Date) (text []byte, stored bool, err error)
}

// daysTimeout is how long reading a stored day may take before the valuation is
// computed instead.
const daysTimeout = 2 * time.Second

// The values of the header Basis, which says what a valuation of a past time rests on.
const (
	basisHeader     = "Basis"
	basisKept       = "kept"            // stored when the day closed
	basisSuperseded = "kept;superseded" // stored then, and corrected since
	basisRecomputed = "recomputed"      // derived from what is known now
)

func (a *api) valuation(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	values, err := query(r, "as_of", "recomputed")
	if err != nil {
		return err
	}
	recomputed := values.Get("recomputed")
	if recomputed != "" && recomputed != "true" && recomputed != "false" {
		return wrong("recomputed", recomputed, "true or false")
	}
	id, at, zone, err := a.portfolioAsOf(ctx, r, values, by)
	if err != nil {
		return err
	}
	if at.IsZero() {
		line, err := a.Tracker.ValuationJSON(ctx, by.Owner, id)
		if err != nil {
			return err
		}
		writeText(w, http.StatusOK, "application/json", line)
		return nil
	}
	v, err := a.Tracker.Valuation(ctx, by.Owner, id, at)
	if err != nil {
		return err
	}
	if day := backend.DateIn(at, zone); recomputed != "true" && at.Equal(backend.CloseIn(day, zone)) {
		if text, basis := a.keptDay(ctx, w, id, day, v); basis != "" {
			w.Header().Set(basisHeader, basis)
			return replyJSON(w, http.StatusOK, a.withNames(text))
		}
	}
	for i := range v.Positions {
		v.Positions[i].Name = a.Tracker.Name(v.Positions[i].Symbol)
	}
	w.Header().Set(basisHeader, basisRecomputed)
	return replyJSON(w, http.StatusOK, v)
}

// keptDay returns the stored valuation of a day, and whether v, the valuation of
// that day by what is known now, supersedes it. The basis is "" if none is stored, it
// cannot be read, or the day closed at another time because the portfolio was in
// another time zone.
func (a *api) keptDay(ctx context.Context, w http.ResponseWriter, id string, day backend.Date,
	v backend.Valuation) (text json.RawMessage, basis string) {
	ctx, cancel := context.WithTimeout(ctx, daysTimeout)
	defer cancel()
	stored, kept, err := a.Days.Day(ctx, id, day)
	var closed struct {
		At time.Time `json:"as_of"`
	}
	superseded := false
	if kept && err == nil {
		err = json.Unmarshal(stored, &closed)
	}
	if kept && err == nil {
		superseded, err = v.Superseded(stored)
	}
	switch {
	case err != nil:
		note(w, slog.Any("daysError", err))
		return nil, ""
	case !kept || !closed.At.Equal(v.AsOf):
		return nil, ""
	case superseded:
		return append(bytes.TrimSuffix(bytes.TrimSpace(stored), []byte("}")), `,"superseded":true}`...), basisSuperseded
	}
	return stored, basisKept
}

// withNames adds the names of instruments to a stored valuation, which is stored without
// because names change.
func (a *api) withNames(stored json.RawMessage) json.RawMessage {
	var valuation struct{ Positions []json.RawMessage }
	if json.Unmarshal(stored, &valuation) != nil {
		return stored // as it is
	}
	for _, position := range valuation.Positions {
		var of struct{ Symbol json.RawMessage }
		var symbol string
		if json.Unmarshal(position, &of) != nil || json.Unmarshal(of.Symbol, &symbol) != nil {
			continue
		}
		name, err := json.Marshal(a.Tracker.Name(symbol))
		if err != nil || string(name) == `""` {
			continue
		}
		member := slices.Concat([]byte(`{"symbol":`), of.Symbol)
		named := bytes.Replace(position, member, slices.Concat(member, []byte(`,"name":`), name), 1)
		stored = bytes.Replace(stored, position, named, 1)
	}
	return stored
}
