package backend

import (
	"context"

	"github.com/shopspring/decimal"
)

// Summary is the performance of all portfolios of an owner together, in one currency.
// Transfers between them are not flows.
type Summary struct {
	Performance
	State      State               `json:"state"`    // the worst of all
	Total      decimal.NullDecimal `json:"total"`    // Invested and Cash, at the close of To or now
	Invested   decimal.NullDecimal `json:"invested"` // null if something is missing
	Cash       decimal.NullDecimal `json:"cash"`
	Portfolios []PortfolioSummary  `json:"portfolios"` // the oldest first
}

// PortfolioSummary is one portfolio in a Summary, with transfers as flows.
type PortfolioSummary struct {
	ID    string              `json:"id"`
	Name  string              `json:"name"`
	State State               `json:"state"`
	Total decimal.NullDecimal `json:"total"`
	Gain  decimal.NullDecimal `json:"gain"`
}

// Summary measures all portfolios of an owner from the close of one day to that
// of another; from 0 is from the day before the first entry of any.
func (t *Tracker) Summary(ctx context.Context, owner string, base Currency, from, to Date) (Summary, error) {
	leave, err := t.readers.enter(ctx)
	if err != nil {
		return Summary{}, err
	}
	defer leave()
	lines, err := t.timelines(ctx, owner, to)
	if err != nil {
		return Summary{}, err
	}
	if from == 0 {
		from = to - 1
		for _, line := range lines {
			if line.first != 0 {
				from = min(from, line.first-1)
			}
		}
	}
	if from < 1 || from >= to {
		return Summary{}, &Error{Code: CodeInvalidRequest, Message: "from: want a day before to"}
	}
	var flows []Date
	sides := map[string]int{}
	for _, line := range lines {
		flows = append(flows, line.flowDays(from, to, false)...)
		seen := map[string]bool{}
		for _, e := range line.effects {
			if e.Transfer != "" && !seen[e.Transfer] {
				seen[e.Transfer] = true
				sides[e.Transfer]++
			}
		}
	}
	between := map[string]bool{}
	for transfer, n := range sides {
		between[transfer] = n > 1
	}
	nought := decimal.NewNullDecimal(decimal.Zero)
	s := Summary{State: StatePriced, Invested: nought, Cash: nought, Portfolios: []PortfolioSummary{}}
	whole := subject{days: measured(from, to, flows), flows: map[Date]*flow{}}
	for range whole.days {
		whole.worth = append(whole.worth, nought)
	}
	for _, line := range lines {
		a, err := appraise(ctx, t.market, line, base, whole.days, t.now(), undivided)
		if err != nil {
			return Summary{}, err
		}
		whole.add(a.total(between))
		v := a.value(len(a.days) - 1)
		s.State, s.Invested, s.Cash = worse(s.State, v.State), sum(s.Invested, v.Invested), sum(s.Cash, v.Cash)
		s.Portfolios = append(s.Portfolios, PortfolioSummary{ID: line.portfolio.ID, Name: line.portfolio.Name,
			State: v.State, Total: v.Total, Gain: a.total(nil).measure().Gain})
	}
	s.Total = sum(s.Invested, s.Cash)
	s.Performance = Performance{From: from, To: to, Base: base, Results: whole.measure()}
	return s, nil
}

// timelines derives all portfolios of an owner.
func (t *Tracker) timelines(ctx context.Context, owner string, to Date) ([]*timeline, error) {
	var lines []*timeline
	err := t.eachBook(ctx, owner, func(b *book) error {
		line, err := b.timeline(ctx, to)
		lines = append(lines, line)
		return err
	})
	return lines, err
}

// allCloses is Closes for all portfolios of an owner.
func (t *Tracker) allCloses(ctx context.Context, owner string, from, to Date) (n int, err error) {
	err = t.eachBook(ctx, owner, func(b *book) error {
		n += b.closes(from, to)
		return nil
	})
	return n, err
}

// eachBook calls a function with each portfolio of an owner.
func (t *Tracker) eachBook(ctx context.Context, owner string, each func(*book) error) error {
	for page := (Page{Limit: MaxPage}); ; {
		list, next, err := t.portfolios.ListPortfolios(ctx, owner, page)
		if err != nil {
			return err
		}
		for _, p := range list {
			b, err := t.books.get(ctx, p)
			if err != nil {
				return err
			}
			if err := each(b); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		page.After = next
	}
}

// add adds the worth and the flows of another subject on the same days.
func (s subject) add(other subject) {
	for i := range s.worth {
		s.worth[i] = sum(s.worth[i], other.worth[i])
	}
	for d, f := range other.flows {
		all := flowOn(s.flows, d)
		all.in, all.out, all.unpriced = all.in.Add(f.in), all.out.Add(f.out), all.unpriced || f.unpriced
	}
}
