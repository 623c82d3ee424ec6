package http_test

import (
	"context"
	"slices"

	"portfolio/backend"
	"portfolio/backend/layout"
)

// imports holds the imports and mappings of memory.
type imports struct {
	kept     map[string]backend.Import
	origins  map[string]map[string]backend.Origin // by portfolio and entry
	recorded map[string][]string                  // entries by import
	mappings map[string]layout.Mapping            // by owner and name
}

func newImports() imports {
	return imports{map[string]backend.Import{}, map[string]map[string]backend.Origin{}, map[string][]string{},
		map[string]layout.Mapping{}}
}

func (m *memory) CreateImport(_ context.Context, _ backend.Principal, i backend.Import) (backend.Import, error) {
	i.ID, i.CreatedAt, i.ExpiresAt = m.id(), now, now.Add(backend.ImportLifetime)
	m.imports.kept[i.ID] = i
	return i, nil
}

func (m *memory) GetImport(ctx context.Context, owner, portfolio, id string) (backend.Import, error) {
	i, found := m.imports.kept[id]
	if _, err := m.GetPortfolio(ctx, owner, portfolio); err != nil || !found || i.Portfolio != portfolio {
		return backend.Import{}, missing()
	}
	return i, nil
}

func (m *memory) Origins(_ context.Context, _, portfolio string) (map[string]backend.Origin, error) {
	return m.imports.origins[portfolio], nil
}

func (m *memory) ConfirmImport(ctx context.Context, by backend.Principal, i backend.Import, _ int64,
	entries []backend.Imported) (int, error) {
	if m.imports.kept[i.ID].Confirmed() {
		return m.imports.kept[i.ID].Recorded, nil
	}
	var txs []backend.Transaction
	for _, e := range entries {
		txs = append(txs, e.Transaction)
	}
	if len(txs) > 0 {
		list, _, err := m.Record(ctx, by, i.Portfolio, "", txs)
		if err != nil {
			return 0, err
		}
		if m.imports.origins[i.Portfolio] == nil {
			m.imports.origins[i.Portfolio] = map[string]backend.Origin{}
		}
		for k, e := range list {
			m.imports.origins[i.Portfolio][e.ID] = entries[k].Origin
			m.imports.recorded[i.ID] = append(m.imports.recorded[i.ID], e.ID)
		}
	}
	i.ConfirmedAt, i.Recorded = now, len(txs)
	m.imports.kept[i.ID] = i
	return len(txs), nil
}

func (m *memory) DeleteImport(ctx context.Context, by backend.Principal, portfolio, id string) error {
	if _, err := m.GetImport(ctx, by.Owner, portfolio, id); err != nil {
		return err
	}
	m.entries[portfolio] = slices.DeleteFunc(m.entries[portfolio], func(e backend.Entry) bool {
		return slices.Contains(m.imports.recorded[id], e.ID)
	})
	delete(m.imports.kept, id)
	return nil
}

func (m *memory) Mapping(_ context.Context, owner, name string) (*layout.Mapping, error) {
	mapping, found := m.imports.mappings[owner+"/"+name]
	if !found {
		return nil, missing()
	}
	return &mapping, nil
}

func (m *memory) PutMapping(_ context.Context, by backend.Principal, name string, mapping layout.Mapping) error {
	m.imports.mappings[by.Owner+"/"+name] = mapping
	return nil
}

func (m *memory) DeleteMapping(_ context.Context, by backend.Principal, name string) error {
	if _, found := m.imports.mappings[by.Owner+"/"+name]; !found {
		return missing()
	}
	delete(m.imports.mappings, by.Owner+"/"+name)
	return nil
}
