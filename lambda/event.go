package main

import (
	"net/http"

	"portfolio/contract/wire"
)

// The routes of the WebSocket API.
const (
	routeConnect    = "$connect"
	routeDisconnect = "$disconnect"
	routeDefault    = "$default"
)

// event holds the members of API Gateway's event that the handler needs, and no
// others: a member that is not decoded cannot fail to decode.
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

// response answers an event: for a handshake with a status, for a message with the
// text to send to the client, if any.
type response struct {
	Status int    `json:"statusCode"`
	Body   string `json:"body,omitempty"`
}

// failure returns the answer to an event that could not be handled: an error
// message on a socket that stays open, or a 503 for a handshake. An event whose
// route is unknown might be a handshake, so it is refused too.
func (e event) failure(code wire.Code, message string) response {
	switch e.Context.RouteKey {
	case routeDefault:
		return response{Status: http.StatusOK, Body: string(wire.Encode(wire.NewError(code, message)))}
	case routeDisconnect:
		return response{Status: http.StatusOK}
	default:
		return response{Status: http.StatusServiceUnavailable}
	}
}
