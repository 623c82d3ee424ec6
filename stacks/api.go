package stacks

import (
	"portfolio/config"
	"portfolio/contract/wire"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-archive-go/archive/v10/dataarchivefile"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayv2api"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayv2integration"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayv2route"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayv2routeresponse"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayv2stage"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lambdafunction"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/lambdapermission"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

const (
	// handlerBinary is where make builds the Lambda, seen from the stack's folder.
	handlerBinary = "../../../build/lambda/bootstrap"
	stageName     = "prod"
)

// Socket is the WebSocket API without its routes. It exists before the service, which
// tells browsers its URL, while its routes need a function that needs the service.
type Socket struct {
	URL *string // wss://…/prod

	scope constructs.Construct
	api   apigatewayv2api.Apigatewayv2Api
}

// NewSocket creates the WebSocket API, to which NewAPI adds the routes.
func NewSocket(scope constructs.Construct, id string, names config.Names) Socket {
	scope = constructs.NewConstruct(scope, &id)
	api := apigatewayv2api.NewApigatewayv2Api(scope, jsii.String("websocket"), &apigatewayv2api.Apigatewayv2ApiConfig{
		Name:                     &names.WebSocketAPI,
		Description:              jsii.String("Portfolio changes, pushed to the browser"),
		ProtocolType:             jsii.String("WEBSOCKET"),
		RouteSelectionExpression: jsii.String("$request.body.action"),
		Tags:                     nameTag(names.WebSocketAPI),
	})
	return Socket{URL: jsii.String(*api.ApiEndpoint() + "/" + stageName), scope: scope, api: api}
}

// APIProps configures the routes of the WebSocket API and their Lambda function.
type APIProps struct {
	Names       config.Names
	Compute     ComputeOutputs // the service behind the handler
	API         config.API
	Certificate config.Certificate
	Logs        LogProps
	KeyARN      *string // customer-managed KMS key, nil for AWS-managed ones
	Boundary    string  // as in newRole
	Emulator    config.Emulator
}

// APIOutputs is what other tiers may use; pointers are Terraform tokens.
type APIOutputs struct {
	ID           *string
	Stage        string
	URL          *string // wss://…/prod
	FunctionName *string
}

// NewAPI adds to the WebSocket API its three routes, which invoke one Lambda function
// that passes events to the service, and lets the service's instances post to this
// API's connections.
func NewAPI(socket Socket, p APIProps) APIOutputs {
	scope, api := socket.scope, socket.api
	handler := newHandler(scope, p)
	lambdapermission.NewLambdaPermission(scope, jsii.String("handler-permission"),
		&lambdapermission.LambdaPermissionConfig{
			StatementId:  jsii.String("WebSocketAPI"),
			FunctionName: handler.FunctionName(),
			Action:       jsii.String("lambda:InvokeFunction"),
			Principal:    jsii.String("apigateway.amazonaws.com"),
			SourceArn:    jsii.String(*api.ExecutionArn() + "/" + stageName + "/*"), // …/<stage>/<route key>
		})
	stage := newStage(scope, p, api, newRoutes(scope, api, handler))

	// A post goes to …/<stage>/POST/@connections/<id>; reading and closing a connection
	// differ only in the method.
	iamrolepolicy.NewIamRolePolicy(scope, jsii.String("push-policy"), &iamrolepolicy.IamRolePolicyConfig{
		Name: jsii.String("push"),
		Role: p.Compute.InstanceRole,
		Policy: policyDocument(statement{
			Action:   "execute-api:ManageConnections",
			Resource: *api.ExecutionArn() + "/" + stageName + "/*/@connections/*",
		}),
	})
	return APIOutputs{ID: api.Id(), Stage: stageName, URL: stage.InvokeUrl(), FunctionName: handler.FunctionName()}
}

func newHandler(scope constructs.Construct, p APIProps) lambdafunction.LambdaFunction {
	logs := newLogGroup(scope, "handler-log-group", handlerLogGroup(p.Names), p.Logs)
	role := newRole(scope, "handler-role", p.Names.WebSocketHandlerRole, "lambda.amazonaws.com", p.Boundary)
	rights := iamrolepolicy.NewIamRolePolicy(scope, jsii.String("handler-policy"), &iamrolepolicy.IamRolePolicyConfig{
		Role:   role.Name(),
		Policy: policyDocument(handlerStatements(p, *logs.Arn())...),
	})
	zip := dataarchivefile.NewDataArchiveFile(scope, jsii.String("handler-zip"), &dataarchivefile.DataArchiveFileConfig{
		Type: jsii.String("zip"),
		// With the file's mode, which make sets: version 1 of the provider, the one
		// that an offline machine has, has no output_file_mode.
		SourceFile: jsii.String(handlerBinary),
		OutputPath: jsii.String("ws-handler.zip"), // in the stack's folder, one per environment
	})
	return lambdafunction.NewLambdaFunction(scope, jsii.String("handler"), &lambdafunction.LambdaFunctionConfig{
		FunctionName:  &p.Names.WebSocketHandler,
		Description:   jsii.String("Hands WebSocket events to the portfolio service"),
		Role:          role.Arn(),
		Runtime:       jsii.String("provided.al2023"),
		Architectures: jsii.Strings("x86_64"),
		Handler:       jsii.String("bootstrap"),
		Filename:      zip.OutputPath(),
		// The hash of the binary, because each version of the archive provider writes a different zip.
		SourceCodeHash: cdktf.Fn_Filebase64sha256(jsii.String(handlerBinary)),
		MemorySize:     jsii.Number(p.API.MemoryMB),
		Timeout:        jsii.Number(p.API.Timeout.Seconds()),
		KmsKeyArn:      p.KeyARN,
		Environment:    &lambdafunction.LambdaFunctionEnvironment{Variables: handlerEnvironment(p)},
		TracingConfig:  &lambdafunction.LambdaFunctionTracingConfig{Mode: jsii.String("Active")},
		LoggingConfig: &lambdafunction.LambdaFunctionLoggingConfig{
			LogFormat:           jsii.String("JSON"),
			LogGroup:            logs.Name(),
			ApplicationLogLevel: jsii.String("INFO"),
			SystemLogLevel:      jsii.String("WARN"),
		},
		// Lambda checks on creation that the role has the right to trace.
		DependsOn: &[]cdktf.ITerraformDependable{rights, logs},
	})
}

func handlerStatements(p APIProps, logGroupARN string) []statement {
	statements := []statement{{
		Sid:      "WriteLogs", // Terraform creates the group
		Action:   []string{"logs:CreateLogStream", "logs:PutLogEvents"},
		Resource: logGroupARN + ":*",
	}, {
		Sid:      "Trace", // X-Ray takes no resource
		Action:   []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
		Resource: "*",
	}, {
		Sid:      "ReadSigningKey",
		Action:   "secretsmanager:GetSecretValue",
		Resource: *p.Compute.SigningSecretARN,
	}}
	if p.KeyARN != nil {
		statements = append(statements, statement{Sid: "CustomerKey", Action: "kms:Decrypt", Resource: *p.KeyARN})
	}
	if p.Certificate.ARN != "" {
		statements = append(statements, statement{
			Sid: "ReadCertificateName", Action: "acm:DescribeCertificate", Resource: p.Certificate.ARN,
		})
	}
	return statements
}

// handlerEnvironment is the handler's configuration: where the service is and, with
// TLS, a name in its certificate, which does not contain the load balancer's.
func handlerEnvironment(p APIProps) *map[string]*string {
	environment := map[string]*string{
		"ALB_DNS":            p.Compute.LoadBalancerDNS,
		"ALB_SCHEME":         jsii.String("http"),
		"SIGNING_SECRET_ARN": p.Compute.SigningSecretARN,
	}
	if p.Certificate.HTTPS() {
		environment["ALB_SCHEME"] = jsii.String("https")
	}
	if p.Certificate.DomainName != "" {
		environment["ALB_SERVER_NAME"] = &p.Certificate.DomainName
	}
	if p.Certificate.ARN != "" {
		environment["CERTIFICATE_ARN"] = &p.Certificate.ARN
	}
	if p.Emulator.FunctionProxyAddress != "" {
		environment["HTTP_PROXY"] = &p.Emulator.FunctionProxyAddress
	}
	return &environment
}

// newRoutes sends all three routes to the handler and returns what a deployment must
// wait for.
func newRoutes(scope constructs.Construct, api apigatewayv2api.Apigatewayv2Api,
	handler lambdafunction.LambdaFunction) []cdktf.ITerraformDependable {
	integration := apigatewayv2integration.NewApigatewayv2Integration(scope, jsii.String("handler-integration"),
		&apigatewayv2integration.Apigatewayv2IntegrationConfig{
			ApiId:                   api.Id(),
			IntegrationType:         jsii.String("AWS_PROXY"),
			IntegrationMethod:       jsii.String("POST"),
			IntegrationUri:          handler.InvokeArn(),
			ContentHandlingStrategy: jsii.String("CONVERT_TO_TEXT"),
			TimeoutMilliseconds:     jsii.Number(wire.IntegrationTimeout.Milliseconds()),
		})
	ready := []cdktf.ITerraformDependable{integration}
	for _, name := range []string{"connect", "disconnect", "default"} {
		c := &apigatewayv2route.Apigatewayv2RouteConfig{
			ApiId:    api.Id(),
			RouteKey: jsii.String("$" + name),
			Target:   jsii.String("integrations/" + *integration.Id()),
		}
		// Without a route response API Gateway drops what the handler returns.
		if name == "default" {
			c.RouteResponseSelectionExpression = jsii.String("$default")
		}
		route := apigatewayv2route.NewApigatewayv2Route(scope, jsii.String(name), c)
		ready = append(ready, route)
		if name == "default" {
			ready = append(ready, apigatewayv2routeresponse.NewApigatewayv2RouteResponse(scope,
				jsii.String("default-response"), &apigatewayv2routeresponse.Apigatewayv2RouteResponseConfig{
					ApiId:            api.Id(),
					RouteId:          route.Id(),
					RouteResponseKey: jsii.String("$default"),
				}))
		}
	}
	return ready
}

// newStage deploys the routes. Access logs need an account-level role and are off by
// default. Execution logging is always off: API Gateway would create its log group,
// which never expires and outlives the environment.
func newStage(scope constructs.Construct, p APIProps, api apigatewayv2api.Apigatewayv2Api,
	routes []cdktf.ITerraformDependable) apigatewayv2stage.Apigatewayv2Stage {
	c := &apigatewayv2stage.Apigatewayv2StageConfig{
		ApiId:      api.Id(),
		Name:       jsii.String(stageName),
		AutoDeploy: true,
		DefaultRouteSettings: &apigatewayv2stage.Apigatewayv2StageDefaultRouteSettings{
			// Unset, they are sent as 0, which refuses every message.
			ThrottlingRateLimit:    jsii.Number(p.API.ThrottleRate),
			ThrottlingBurstLimit:   jsii.Number(p.API.ThrottleBurst),
			LoggingLevel:           jsii.String("OFF"),
			DataTraceEnabled:       false, // would write whole messages to the log
			DetailedMetricsEnabled: true,
		},
		DependsOn: &routes,
	}
	if p.API.AccessLogs {
		logs := newLogGroup(scope, "access-log-group", "/portfolio/"+p.Names.WebSocketAPI, p.Logs)
		c.AccessLogSettings = &apigatewayv2stage.Apigatewayv2StageAccessLogSettings{
			DestinationArn: logs.Arn(),
			Format:         accessLogFormat(),
		}
	}
	return apigatewayv2stage.NewApigatewayv2Stage(scope, jsii.String("stage"), c)
}

// accessLogFormat is one line with the request's ID, as API Gateway requires. Without
// braces "$context.x" is not a Terraform expression.
func accessLogFormat() *string {
	return jsonDocument(map[string]string{
		"requestId":        "$context.requestId",
		"connectionId":     "$context.connectionId",
		"eventType":        "$context.eventType",
		"routeKey":         "$context.routeKey",
		"status":           "$context.status",
		"sourceIp":         "$context.identity.sourceIp",
		"requestTime":      "$context.requestTime",
		"integrationError": "$context.integration.error",
	})
}
