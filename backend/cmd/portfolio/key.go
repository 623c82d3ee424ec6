package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"portfolio/backend"
	"portfolio/contract/commandline"

	"github.com/spf13/cobra"
)

// newKeyCommand groups the commands about API keys.
func newKeyCommand(environ map[string]string) *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Manage API keys"}
	c.AddCommand(newKeyCreateCommand(environ))
	return c
}

func newKeyCreateCommand(environ map[string]string) *cobra.Command {
	var k backend.APIKey
	var scopes []string
	c := &cobra.Command{
		Use:   "create",
		Short: "Create an API key and print it",
		Long: `Creates an API key, such as an owner's first one, and prints it to standard
output. It is shown only once: the database stores its hash. The database is
migrated first if necessary.

A key with the scope feed writes prices that every owner sees. Name the sources
that it may write with --sources; without, it may write any.`,
		Example: `  portfolio key create --owner alice --scopes read,trade --label phone
  portfolio key create --owner prices --scopes feed --sources ecb --label feed`,
		Args: commandline.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, scope := range scopes {
				k.Scopes = append(k.Scopes, backend.Scope(scope))
			}
			if err := asOptions(errors.Join(backend.ValidateOwner(k.Owner), k.Validate())); err != nil {
				return inputError{err}
			}
			return createKey(c.Context(), environ, k, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&k.Owner, "owner", "", "owner of the portfolios that the key opens, 1–100 characters")
	c.Flags().StringVar(&k.Label, "label", "", "what the key is for, 1–100 characters")
	c.Flags().StringSliceVar(&k.Sources, "sources", nil,
		"with the scope feed: sources that the key may write, separated by commas; any if absent")
	c.Flags().StringSliceVar(&scopes, "scopes", nil,
		"what the key allows, separated by commas: read, trade, feed, admin")
	return c
}

// createKey stores a new key and prints its secret to stdout and nowhere else.
func createKey(ctx context.Context, environ map[string]string, k backend.APIKey, stdout, stderr io.Writer) error {
	s, err := load(environ)
	if err != nil {
		return inputError{err}
	}
	aws, err := loadAWS(ctx, s)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, s, aws, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	secret := backend.NewSecret()
	if k, err = db.CreateKey(ctx, backend.Principal{}, k, backend.HashSecret(secret)); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "key %s of %s with %s; it is shown only once\n", k.ID, k.Owner, grants(k))
	_, err = fmt.Fprintln(stdout, secret)
	return err
}

// asOptions replaces the names of fields by the options that they come from.
func asOptions(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))
}

// grants describes what a key allows.
func grants(k backend.APIKey) string {
	texts := make([]string, len(k.Scopes))
	for i, scope := range k.Scopes {
		if texts[i] = string(scope); scope == backend.ScopeFeed {
			texts[i] = "feed of " + cmp.Or(strings.Join(k.Sources, " and "), "any source")
		}
	}
	return strings.Join(texts, ", ")
}
