import type { APIGatewayProxyEvent, APIGatewayProxyEventV2, Context, LambdaFunctionURLEvent } from "aws-lambda";
import type { PlainAnswer, PlainRequest } from "./conversation.ts";

export interface EventOptions {
  /** As both platforms send what they do not take for text. */
  readonly base64?: boolean;
}

/** Complete events, member by member as AWS documents them. */
export const lambdaEvents = {
  "a function URL": functionUrlEvent,
  "an HTTP API": httpApiEvent,
  "a REST API": restApiEvent,
} satisfies Record<string, (request: PlainRequest, options?: EventOptions) => LambdaEvent>;

export type LambdaEvent = LambdaFunctionURLEvent | APIGatewayProxyEventV2 | APIGatewayProxyEvent;

const time = { time: "20/Nov/2026:13:05:12 +0000", timeEpoch: 1795179912000 };

function functionUrlEvent(request: PlainRequest, options: EventOptions = {}): LambdaFunctionURLEvent {
  const id = "abcdefghijklmnopqrstuvwxyz012345";
  const host = `${id}.lambda-url.eu-central-1.on.aws`;
  return version2(request, options, {
    host,
    context: { accountId: "anonymous", apiId: id, domainName: host, domainPrefix: id },
    headers: { "x-amzn-tls-version": "TLSv1.3", "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256" },
  });
}

function httpApiEvent(request: PlainRequest, options: EventOptions = {}): APIGatewayProxyEventV2 {
  const host = "r3pmxmplak.execute-api.eu-central-1.amazonaws.com";
  return version2(request, options, {
    host,
    context: { accountId: "123456789012", apiId: "r3pmxmplak", domainName: host, domainPrefix: "r3pmxmplak" },
    headers: { "content-length": String(Buffer.byteLength(request.body ?? "")) },
  });
}

interface Version2Endpoint {
  readonly host: string;
  readonly context: { accountId: string; apiId: string; domainName: string; domainPrefix: string };
  readonly headers: Readonly<Record<string, string>>;
}

function version2(request: PlainRequest, options: EventOptions, endpoint: Version2Endpoint): APIGatewayProxyEventV2 {
  const [rawPath = "/", rawQueryString = ""] = request.path.split("?");
  const parameters = Object.fromEntries(new URLSearchParams(rawQueryString));
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: { ...forwarded(endpoint.host), ...endpoint.headers, ...request.headers },
    ...(rawQueryString !== "" && { queryStringParameters: parameters }),
    requestContext: {
      ...endpoint.context,
      http: {
        method: request.method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: "203.0.113.7",
        userAgent: "curl/8.5.0",
      },
      requestId: "ZT7OsjQDliAEPYQ=",
      routeKey: "$default",
      stage: "$default",
      ...time,
    },
    ...bodyOf(request, options),
  };
}

function restApiEvent(request: PlainRequest, options: EventOptions = {}): APIGatewayProxyEvent {
  const [path = "/", query = ""] = request.path.split("?");
  const host = "5ytmxmpl2e.execute-api.eu-central-1.amazonaws.com";
  // It passes names on as the client wrote them.
  const headers = Object.fromEntries(
    Object.entries({ ...forwarded(host), ...request.headers }).map(([name, value]) => [titleCase(name), value]),
  );
  const parameters = [...new URLSearchParams(query)];
  return {
    resource: "/{proxy+}",
    path,
    httpMethod: request.method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: query === "" ? null : Object.fromEntries(parameters),
    multiValueQueryStringParameters:
      query === "" ? null : Object.fromEntries(parameters.map(([name, value]) => [name, [value]])),
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      resourceId: "2gxmpl",
      authorizer: null,
      resourcePath: "/{proxy+}",
      httpMethod: request.method,
      extendedRequestId: "JJbxmplHYosFVYQ=",
      requestTime: time.time,
      path: `/prod${path}`,
      accountId: "123456789012",
      protocol: "HTTP/1.1",
      stage: "prod",
      domainPrefix: "5ytmxmpl2e",
      requestTimeEpoch: time.timeEpoch,
      requestId: "77375676-xmpl-4b79-853a-f982474efe18",
      identity: {
        cognitoIdentityPoolId: null,
        accountId: null,
        cognitoIdentityId: null,
        caller: null,
        apiKey: null,
        apiKeyId: null,
        clientCert: null,
        sourceIp: "203.0.113.7",
        principalOrgId: null,
        accessKey: null,
        cognitoAuthenticationType: null,
        cognitoAuthenticationProvider: null,
        userArn: null,
        userAgent: "curl/8.5.0",
        user: null,
      },
      domainName: host,
      apiId: "5ytmxmpl2e",
    },
    body: null,
    ...bodyOf(request, options),
  };
}

function forwarded(host: string) {
  return {
    host,
    accept: "*/*",
    "user-agent": "curl/8.5.0",
    "x-amzn-trace-id": "Root=1-5e66d96f-7491f09xmpl79d18acf3d050",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
  };
}

function bodyOf({ body }: PlainRequest, { base64 = false }: EventOptions) {
  if (body === undefined) return { isBase64Encoded: false };
  return { body: base64 ? Buffer.from(body).toString("base64") : body, isBase64Encoded: base64 };
}

function titleCase(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** What a handler answers, in either format. */
export interface LambdaResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string | string[]>> | undefined;
  readonly multiValueHeaders?: Readonly<Record<string, string[]>> | undefined;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** What a client of the platform gets. */
export function plainAnswer({ statusCode, body, isBase64Encoded, ...result }: LambdaResult): PlainAnswer {
  const headers = new Headers();
  for (const [name, values] of Object.entries({ ...result.headers, ...result.multiValueHeaders })) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  return { status: statusCode, headers, body: isBase64Encoded ? Buffer.from(body, "base64").toString() : body };
}

/** The second argument of a handler. The invocation ends so long after now. */
export function lambdaContext(timeoutMs: number): Context {
  const endsAt = Date.now() + timeoutMs;
  const obsolete = () => {
    throw new Error("not for handlers that return a promise");
  };
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: "onetrip",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:onetrip",
    memoryLimitInMB: "256",
    awsRequestId: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
    logGroupName: "/aws/lambda/onetrip",
    logStreamName: "2026/11/20/[$LATEST]8f4c9d2a1b3e4f5a9c0d1e2f3a4b5c6d",
    getRemainingTimeInMillis: () => endsAt - Date.now(),
    done: obsolete,
    fail: obsolete,
    succeed: obsolete,
  };
}
