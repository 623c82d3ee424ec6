package main

import (
	"encoding/json"
	"net/http"
)

// The routes of the WebSocket API.
const (
	routeConnect    = "$connect"
	routeDisconnect = "$disconnect"
	routeDefault    = "$default"
)

// event is what counts here of API Gateway's event. The fields are few on
// purpose: one that is not needed cannot fail the decoding.
type event struct {
	Body            string              `json:"body"`
	IsBase64Encoded bool                `json:"isBase64Encoded"`
	Query           map[string][]string `json:"multiValueQueryStringParameters"`
	Context         struct {
		connection
		RouteKey string `json:"routeKey"`
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		DisconnectCode   int    `json:"disconnectStatusCode"`
		DisconnectReason string `json:"disconnectReason"`
	} `json:"requestContext"`
}

// connection says which event of which connection this is: the beginning of
// every call. The request ID makes each call, and so its signature, unique.
type connection struct {
	RequestID    string `json:"requestId"`
	ConnectionID string `json:"connectionId"`
	DomainName   string `json:"domainName"`
	Stage        string `json:"stage"`
}

type connectCall struct {
	connection
	SourceIP string              `json:"sourceIp"`
	Query    map[string][]string `json:"query"`
}

type messageCall struct {
	connection
	SourceIP string `json:"sourceIp"`
	Body     string `json:"body"` // the client's JSON text
}

type disconnectCall struct {
	connection
	Code   int    `json:"disconnectCode"` // of the WebSocket's close frame
	Reason string `json:"disconnectReason"`
}

// response is what API Gateway makes of an event: the status of a handshake, and
// for a message the text to send, if any.
type response struct {
	Status int    `json:"statusCode"`
	Body   string `json:"body,omitempty"`
}

// failure is the answer to an event that could not be handled: a message the
// client can read on a socket that stays open, or for a handshake a 503. An event
// whose route is unknown might be a handshake, so it is refused too.
func (e event) failure(code, message string) response {
	switch e.Context.RouteKey {
	case routeDefault:
		return response{Status: http.StatusOK, Body: string(encode(struct {
			Type    string `json:"type"`
			Code    string `json:"code"`
			Message string `json:"message"`
		}{"error", code, message}))}
	case routeDisconnect:
		return response{Status: http.StatusOK}
	default:
		return response{Status: http.StatusServiceUnavailable}
	}
}

// encode marshals a value of strings and numbers, which cannot fail.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
