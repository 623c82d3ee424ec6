package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// readSecret returns the current text of a secret.
func readSecret(ctx context.Context, secrets *secretsmanager.Client, arn string) ([]byte, error) {
	out, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return nil, fmt.Errorf("signing secret: %w", withoutURL(err))
	}
	if out.SecretString == nil || *out.SecretString == "" {
		return nil, errors.New("signing secret: got no text, want the key")
	}
	return []byte(*out.SecretString), nil
}

// serverName returns the host name to verify the load balancer's certificate for:
// the configured one, or else the first name in the certificate, with a label in
// place of a wildcard. It is empty without TLS.
func serverName(ctx context.Context, s settings, certificates *acm.Client) (string, error) {
	if s.Scheme != "https" || s.ServerName != "" {
		return s.ServerName, nil
	}
	out, err := certificates.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &s.CertificateARN})
	if err != nil {
		return "", fmt.Errorf("certificate's name: %w", withoutURL(err))
	}
	if out.Certificate == nil || out.Certificate.DomainName == nil {
		return "", errors.New("certificate's name: got none")
	}
	name := *out.Certificate.DomainName
	if parent, wildcard := strings.CutPrefix(name, "*."); wildcard {
		return "alb." + parent, nil
	}
	return name, nil
}
