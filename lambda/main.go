// Command lambda is the function behind the WebSocket API. It forwards each event
// to the portfolio service as a signed HTTP call and returns the service's answer
// to the client.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/caarlos0/env/v11"
)

// Exit statuses.
const (
	exitFailed   = 1
	exitBadInput = 2 // the environment variables are wrong
)

func main() {
	os.Exit(run(env.ToMap(os.Environ()), os.Stdout))
}

// run sets up what a cold start needs and serves events until Lambda ends the
// process. It returns an exit status only if the start fails.
func run(environ map[string]string, logs io.Writer) int {
	s, problems := loadSettings(environ)
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{
		Level:       s.level,
		ReplaceAttr: lambdacontext.ReplaceAttr, // Lambda's own names for time and message
	}))
	for _, problem := range problems {
		log.Error("invalid environment variable", slog.Any("error", problem))
	}
	if problems != nil {
		return exitBadInput
	}
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("AWS configuration could not be loaded", slog.Any("error", err))
		return exitFailed
	}
	lambda.Start(newHandler(s, acm.NewFromConfig(aws), secretsmanager.NewFromConfig(aws), log))
	return exitFailed // Start does not return
}

func newHandler(s settings, certificates *acm.Client, secrets *secretsmanager.Client, log *slog.Logger) *handler {
	return &handler{
		service: &service{
			base: s.base(),
			client: lazy[*http.Client]{read: func(ctx context.Context) (*http.Client, error) {
				name, err := serverName(ctx, s, certificates)
				return newClient(name), err
			}},
		},
		key: lazy[[]byte]{read: func(ctx context.Context) ([]byte, error) {
			return readSecret(ctx, secrets, s.SigningSecretARN)
		}},
		now: time.Now,
		log: log,
	}
}
