package backend

import "context"

// Proposal is an entry that a source knows of and an owner may accept.
type Proposal struct {
	ID     string
	Source string
	Entry  Transaction // SPLIT, or DIVIDEND with the amount of one unit
}

// Proposals keeps proposals. Another owner's are CodeNotFound.
type Proposals interface {
	// ListProposals returns the open proposals for a portfolio, the earliest first.
	ListProposals(ctx context.Context, owner, portfolio string) ([]Proposal, error)
	// CloseProposal ends a proposal of a portfolio, which is not made again.
	CloseProposal(ctx context.Context, owner, portfolio, id string) error
}

// For returns the entry of a proposal for what was held at the close of the day before. It
// reports false if nothing was.
func (p Proposal) For(h Holding) (Transaction, bool) {
	t := p.Entry
	if t.Kind == Dividend {
		t.Amount = t.Amount.Mul(h.Quantity).Round(MaxDecimals)
	}
	return t, h.Quantity.IsPositive()
}
