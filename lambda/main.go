// Command lambda is the function behind the WebSocket API: it hands each event
// to the portfolio service as a signed HTTP call and answers the client with
// what the service says.
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

// Exit statuses: 2 says that the environment variables are wrong.
const (
	exitFailed   = 1
	exitBadInput = 2
)

func main() {
	os.Exit(run(env.ToMap(os.Environ()), os.Stdout))
}

// run makes what is made once per cold start and serves events until Lambda ends
// the process. It returns only where the start went wrong, with the exit status.
func run(environ map[string]string, logs io.Writer) int {
	s, problems := loadSettings(environ)
	log := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{
		Level:       s.level,
		ReplaceAttr: lambdacontext.ReplaceAttr, // the keys by which Lambda knows time and text
	}))
	for _, problem := range problems {
		log.Error(problem.Error())
	}
	if problems != nil {
		return exitBadInput
	}
	aws, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("AWS configuration", "error", err.Error())
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
