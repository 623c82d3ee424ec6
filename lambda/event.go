package main

import (
	"encoding/json"
	"net/http"

	"portfolio/contract/wire"
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
		wire.Event
		RouteKey string `json:"routeKey"`
		Identity struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
		DisconnectCode   int    `json:"disconnectStatusCode"`
		DisconnectReason string `json:"disconnectReason"`
	} `json:"requestContext"`
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
func (e event) failure(code wire.Code, message string) response {
	switch e.Context.RouteKey {
	case routeDefault:
		return response{Status: http.StatusOK, Body: string(encode(wire.NewError(code, message)))}
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
