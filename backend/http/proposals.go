package http

import (
	"context"
	"net/http"

	"portfolio/backend"
)

// proposalID is the name of a proposal's ID in paths.
const proposalID = "proposal"

// proposalOutput is a proposal with the entry that accepting it would record.
type proposalOutput struct {
	ID     string           `json:"id"`
	Source string           `json:"source"`
	Entry  transactionInput `json:"entry"`
}

// proposed returns the open proposals for a portfolio as entries: a dividend is of what
// was held at the close of the day before. Proposals about nothing held are left out.
func (a *api) proposed(ctx context.Context, owner, portfolio string) ([]backend.Proposal, error) {
	p, err := a.Portfolios.GetPortfolio(ctx, owner, portfolio)
	if err != nil {
		return nil, err
	}
	all, err := a.Proposals.ListProposals(ctx, owner, portfolio)
	if err != nil {
		return nil, err
	}
	var list []backend.Proposal
	for _, proposal := range all {
		held, err := a.Tracker.Holdings(ctx, owner, portfolio, backend.CloseIn(proposal.Entry.Date-1, p.Location()))
		if err != nil {
			return nil, err
		}
		h, _ := held.Holding(proposal.Entry.Symbol)
		if entry, is := proposal.For(h); is {
			proposal.Entry = entry
			list = append(list, proposal)
		}
	}
	return list, nil
}

func (a *api) listProposals(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	proposals, err := a.proposed(ctx, by.Owner, r.PathValue(portfolioID))
	if err != nil {
		return err
	}
	items := make([]proposalOutput, len(proposals))
	for i, p := range proposals {
		items[i] = proposalOutput{ID: p.ID, Source: p.Source,
			Entry: outputOf(backend.Entry{Transaction: p.Entry}).transactionInput}
	}
	return replyJSON(w, http.StatusOK, listOf(items, ""))
}

// acceptProposal records the entry of a proposal.
func (a *api) acceptProposal(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	portfolio, id := r.PathValue(portfolioID), r.PathValue(proposalID)
	proposals, err := a.proposed(ctx, by.Owner, portfolio)
	if err != nil {
		return err
	}
	for _, p := range proposals {
		if p.ID != id {
			continue
		}
		// With a key, so that accepting it twice at once records it once.
		recorded, _, err := a.Portfolios.Record(ctx, by, portfolio, "proposal "+id, []backend.Transaction{p.Entry})
		if err != nil {
			return err
		}
		if err := a.Proposals.CloseProposal(ctx, by.Owner, portfolio, id); err != nil {
			return err
		}
		return replyJSON(w, http.StatusCreated, outputOf(recorded[0]))
	}
	return &backend.Error{Code: backend.CodeNotFound, Message: "there is no such proposal"}
}

func (a *api) refuseProposal(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
	if _, err := query(r); err != nil {
		return err
	}
	if err := a.Proposals.CloseProposal(ctx, by.Owner, r.PathValue(portfolioID), r.PathValue(proposalID)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
