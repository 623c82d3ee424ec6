-- Finds the entries that turn units of a symbol into units of another, of which there are
-- few, without reading all entries of a portfolio.
create index transactions_to_symbol on transactions (portfolio_id, to_symbol) where to_symbol <> '';
