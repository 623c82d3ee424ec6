package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"portfolio/backend"
	"portfolio/contract/setting"
)

// key makes an API key from the command line, such as an owner's first one. Its
// secret goes to standard output and nowhere else.
func key(ctx context.Context, args []string, environ map[string]string, stdout, stderr io.Writer) error {
	if len(args) == 0 || args[0] != "create" {
		return inputError{setting.Problem("arguments", strings.Join(args[:min(1, len(args))], ""), "key create; see portfolio --help")}
	}
	k, err := readKey(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, usage)
		return err
	}
	if err != nil {
		return inputError{err}
	}
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
	fmt.Fprintf(stderr, "key %s of %s may %s; it is shown this once\n", k.ID, k.Owner, scopeList(k.Scopes))
	_, err = fmt.Fprintln(stdout, secret)
	return err
}

// readKey reads what the key is to be. The error has a line for each problem.
func readKey(args []string) (backend.APIKey, error) {
	var k backend.APIKey
	var scopes string
	flags := flag.NewFlagSet("portfolio key create", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	flags.StringVar(&k.Owner, "owner", "", "")
	flags.StringVar(&k.Label, "label", "", "")
	flags.StringVar(&scopes, "scopes", "", "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return k, err
	case err != nil:
		return k, fmt.Errorf("arguments: %w; see portfolio --help", err)
	case flags.NArg() > 0:
		return k, setting.Problem("arguments", flags.Arg(0), "options only; see portfolio --help")
	}
	if scopes != "" {
		for scope := range strings.SplitSeq(scopes, ",") {
			k.Scopes = append(k.Scopes, backend.Scope(scope))
		}
	}
	return k, asOptions(errors.Join(backend.ValidateOwner(k.Owner), k.Validate()))
}

// asOptions names fields as the options that they come from.
func asOptions(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))
}

func scopeList(scopes []backend.Scope) string {
	texts := make([]string, len(scopes))
	for i, scope := range scopes {
		texts[i] = string(scope)
	}
	return strings.Join(texts, ", ")
}
