/*
 * purser.h - the C interface of Purser, an embeddable policy and telemetry engine.
 *
 * THE IDEA
 *
 *   A host (a proxy filter, a server) links libpurser.so. For each request it says what it knows through three
 *   callbacks; Purser asks only for what the candidate rules read, decides in the caller's thread, and
 *   afterwards records telemetry. No other process is asked on the way.
 *
 *       purser_engine            one a process: what the host supplies, backends, telemetry
 *         purser_policy_set      a named place for documents and their current plan; reloaded by itself
 *         purser_worker          the memory of one host thread
 *           purser_request       host memory; from begin to end it links check and report of one request
 *       purser_plan              everything compiled from one set of documents; immutable, needs no engine
 *
 *       purser_engine_new -> purser_policy_set_new -> purser_policy_set_load
 *       purser_worker_new (one a thread)
 *       for each request:  purser_request_begin -> purser_check -> (respond) -> purser_report -> purser_request_end
 *
 * CONVENTIONS
 *
 *   Status.    Functions return a purser_status. Results go to trailing `_out` parameters, written only when
 *              PURSER_OK is returned. Every function may return PURSER_INVALID_ARGUMENT (a required pointer is
 *              NULL, a `size` field is too small, a handle is none) and, if it takes an engine or something made
 *              from one, PURSER_FORKED (the engine was created before a fork; make one in the child).
 *   Text.      purser_text is a pointer and a length in bytes, UTF-8, not NUL-terminated unless said so.
 *              Length 0 may have a NULL pointer.
 *   Structs.   A struct that the host fills begins with `size`; set it with sizeof. It grows at its end only.
 *              Fields may be left zero unless said otherwise.
 *   Numbers.   Values of enums and attribute numbers are never reused. A host must accept unknown ones.
 *   Freeing.   Who gets a handle frees it with the function of its name. All of them accept NULL.
 *   Threads.   Engines, policy sets and plans may be used from any thread at any time. A worker, and the requests
 *              begun on it, are used by one thread at a time; it may be another thread the next time. Concurrent
 *              or re-entrant use (a callback that calls Purser with the same worker) returns PURSER_BUSY; this is
 *              a best effort that catches mistakes, not a lock.
 *   Fork.      Plans may be loaded before a fork and shared copy-on-write. Engines are created in the child.
 *   Silence.   Purser writes nothing to stdout or stderr, installs no signal handler, reads no environment
 *              variable (the Swift runtime inside it reads those that begin with SWIFT_, and may print when one is set),
 *              and starts a lasting thread only when a loaded plan names a backend that needs one or a provider, when one keeps
 *              answers in a folder, or a set is watched.
 *   Memory.    Running out of memory is not handled: like most of libc's callers, Purser may then end the process.
 */
#ifndef PURSER_H
#define PURSER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PURSER_VERSION_MAJOR 0
#define PURSER_VERSION_MINOR 1
#define PURSER_VERSION_PATCH 0

/* ------------------------------------------------------------------------------------------------ status */

typedef enum purser_status {
  PURSER_OK = 0,
  /* A required pointer is NULL, a `size` is too small, an index is past the end, or a handle is not what it should be. */
  PURSER_INVALID_ARGUMENT = 1,
  /* The worker is in use: by another thread, or by the call that this callback serves. Or the handle is still
   * needed: an engine with workers or policy sets, a worker or policy set with open requests. */
  PURSER_BUSY = 2,
  /* The engine was created before this process forked. */
  PURSER_FORKED = 3,
  /* The documents have errors; the problems say which. What was in use stays in use. */
  PURSER_PROBLEMS = 4,
  /* The call is out of order: a report before a check, a request that was not begun, a resume of what is not pending. */
  PURSER_WRONG_STATE = 5,
  /* There is no such thing, such as an attribute of that name or a backend that listens. */
  PURSER_NOT_FOUND = 6,
  /* The check waits for an external answer; `done` will be called. */
  PURSER_PENDING = 7,
  /* Something of the system could not be had: a thread, a socket, a library. */
  PURSER_UNAVAILABLE = 8,
  /* A bound was reached: too many custom attributes, a text that is too long. */
  PURSER_LIMIT_REACHED = 9
} purser_status;

/* A short English text for a status, NUL-terminated, static; "unknown status" for others. Any thread. */
const char *purser_status_text(purser_status status);

/* The library's version, such as "0.1.0", NUL-terminated, static. Any thread. */
const char *purser_version(void);

/* ------------------------------------------------------------------------------------------------ values */

typedef struct purser_text {
  const char *data;
  size_t size;
} purser_text;

/* Frees text that a function gave to the caller (it says so) and clears it. Accepts NULL and cleared text. */
void purser_text_free(purser_text *text);

typedef enum purser_type {
  PURSER_TYPE_NULL = 0,
  PURSER_TYPE_BOOL = 1,      /* as.boolean, 0 or not 0 */
  PURSER_TYPE_INT = 2,       /* as.integer */
  PURSER_TYPE_UINT = 3,      /* as.unsigned_integer */
  PURSER_TYPE_DOUBLE = 4,    /* as.number */
  PURSER_TYPE_STRING = 5,    /* as.text; UTF-8 is verified where it is read */
  PURSER_TYPE_BYTES = 6,     /* as.text */
  PURSER_TYPE_TIMESTAMP = 7, /* as.seconds since the Unix epoch, nanos 0 to 999999999 */
  PURSER_TYPE_DURATION = 8,  /* as.seconds and nanos, both of the same sign */
  PURSER_TYPE_LIST = 9,      /* as.list */
  PURSER_TYPE_MAP = 10       /* as.map */
} purser_type;

struct purser_value;
struct purser_entry;

typedef struct purser_list {
  const struct purser_value *items;
  size_t count;
} purser_list;

typedef struct purser_map {
  const struct purser_entry *entries;
  size_t count;
} purser_map;

/* A tagged value of 24 bytes. */
typedef struct purser_value {
  uint32_t type; /* a purser_type */
  int32_t nanos; /* of a timestamp or duration, else 0 */
  union {
    uint8_t boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double number;
    int64_t seconds;
    purser_text text;
    purser_list list;
    purser_map map;
  } as;
} purser_value;

typedef struct purser_entry {
  purser_text key;
  purser_value value;
} purser_entry;

/* -------------------------------------------------------------------------------------------- attributes */

/* The numbers of the well-known attributes. Names, types and meaning are in docs/attributes.md. A custom attribute,
 * declared by an AttributeManifest, gets its number from purser_engine_attribute; those begin at
 * PURSER_ATTRIBUTE_CUSTOM_FIRST. */
#define PURSER_ATTRIBUTE_REQUEST_METHOD                            1u  /* request.method: string, request */
#define PURSER_ATTRIBUTE_REQUEST_PATH                              2u  /* request.path: string, request */
#define PURSER_ATTRIBUTE_REQUEST_URL_PATH                          3u  /* request.url_path: string, request */
#define PURSER_ATTRIBUTE_REQUEST_QUERY                             4u  /* request.query: string, request */
#define PURSER_ATTRIBUTE_REQUEST_HOST                              5u  /* request.host: string, request */
#define PURSER_ATTRIBUTE_REQUEST_SCHEME                            6u  /* request.scheme: string, request */
#define PURSER_ATTRIBUTE_REQUEST_PROTOCOL                          7u  /* request.protocol: string, request */
#define PURSER_ATTRIBUTE_REQUEST_HEADERS                           8u  /* request.headers: map(string,string), request */
#define PURSER_ATTRIBUTE_REQUEST_HEADERS_BYTES                     9u  /* request.headers_bytes: int, request */
#define PURSER_ATTRIBUTE_REQUEST_REFERER                           10u  /* request.referer: string, request */
#define PURSER_ATTRIBUTE_REQUEST_USERAGENT                         11u  /* request.useragent: string, request */
#define PURSER_ATTRIBUTE_REQUEST_ID                                12u  /* request.id: string, request */
#define PURSER_ATTRIBUTE_REQUEST_TIME                              13u  /* request.time: timestamp, request */
#define PURSER_ATTRIBUTE_REQUEST_API_KEY                           14u  /* request.api_key: string, request */
#define PURSER_ATTRIBUTE_REQUEST_AUTH_PRINCIPAL                    15u  /* request.auth.principal: string, request */
#define PURSER_ATTRIBUTE_REQUEST_AUTH_AUDIENCES                    16u  /* request.auth.audiences: list(string), request */
#define PURSER_ATTRIBUTE_REQUEST_AUTH_PRESENTER                    17u  /* request.auth.presenter: string, request */
#define PURSER_ATTRIBUTE_REQUEST_AUTH_CLAIMS                       18u  /* request.auth.claims: map(string,dyn), request */
#define PURSER_ATTRIBUTE_REQUEST_AUTH_RAW_CLAIMS                   19u  /* request.auth.raw_claims: string, request */
#define PURSER_ATTRIBUTE_REQUEST_DURATION                          20u  /* request.duration: duration, response */
#define PURSER_ATTRIBUTE_REQUEST_SIZE                              21u  /* request.size: int, response */
#define PURSER_ATTRIBUTE_REQUEST_TOTAL_SIZE                        22u  /* request.total_size: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_CODE                             23u  /* response.code: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_CODE_DETAILS                     24u  /* response.code_details: string, response */
#define PURSER_ATTRIBUTE_RESPONSE_FLAGS                            25u  /* response.flags: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_GRPC_STATUS                      26u  /* response.grpc_status: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_HEADERS                          27u  /* response.headers: map(string,string), response */
#define PURSER_ATTRIBUTE_RESPONSE_HEADERS_BYTES                    28u  /* response.headers_bytes: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_TRAILERS                         29u  /* response.trailers: map(string,string), response */
#define PURSER_ATTRIBUTE_RESPONSE_SIZE                             30u  /* response.size: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_TOTAL_SIZE                       31u  /* response.total_size: int, response */
#define PURSER_ATTRIBUTE_RESPONSE_TIME                             32u  /* response.time: timestamp, response */
#define PURSER_ATTRIBUTE_RESPONSE_BACKEND_LATENCY                  33u  /* response.backend_latency: duration, response */
#define PURSER_ATTRIBUTE_SOURCE_ADDRESS                            34u  /* source.address: string, connection */
#define PURSER_ATTRIBUTE_SOURCE_PORT                               35u  /* source.port: int, connection */
#define PURSER_ATTRIBUTE_CLIENT_ADDRESS                            36u  /* client.address: string, request */
#define PURSER_ATTRIBUTE_SOURCE_PRINCIPAL                          37u  /* source.principal: string, connection */
#define PURSER_ATTRIBUTE_SOURCE_NAMESPACE                          38u  /* source.namespace: string, request */
#define PURSER_ATTRIBUTE_SOURCE_WORKLOAD_NAME                      39u  /* source.workload.name: string, request */
#define PURSER_ATTRIBUTE_SOURCE_WORKLOAD_UID                       40u  /* source.workload.uid: string, request */
#define PURSER_ATTRIBUTE_SOURCE_NAME                               41u  /* source.name: string, request */
#define PURSER_ATTRIBUTE_SOURCE_UID                                42u  /* source.uid: string, request */
#define PURSER_ATTRIBUTE_SOURCE_LABELS                             43u  /* source.labels: map(string,string), request */
#define PURSER_ATTRIBUTE_SOURCE_SERVICE_ACCOUNT                    44u  /* source.service_account: string, request */
#define PURSER_ATTRIBUTE_SOURCE_OWNER                              45u  /* source.owner: string, request */
#define PURSER_ATTRIBUTE_SOURCE_CLUSTER                            46u  /* source.cluster: string, request */
#define PURSER_ATTRIBUTE_DESTINATION_ADDRESS                       47u  /* destination.address: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_PORT                          48u  /* destination.port: int, connection */
#define PURSER_ATTRIBUTE_DESTINATION_PRINCIPAL                     49u  /* destination.principal: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_NAMESPACE                     50u  /* destination.namespace: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_WORKLOAD_NAME                 51u  /* destination.workload.name: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_WORKLOAD_UID                  52u  /* destination.workload.uid: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_NAME                          53u  /* destination.name: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_UID                           54u  /* destination.uid: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_LABELS                        55u  /* destination.labels: map(string,string), connection */
#define PURSER_ATTRIBUTE_DESTINATION_SERVICE_NAME                  56u  /* destination.service.name: string, request */
#define PURSER_ATTRIBUTE_DESTINATION_SERVICE_NAMESPACE             57u  /* destination.service.namespace: string, request */
#define PURSER_ATTRIBUTE_DESTINATION_SERVICE_HOST                  58u  /* destination.service.host: string, request */
#define PURSER_ATTRIBUTE_DESTINATION_SERVICE_UID                   59u  /* destination.service.uid: string, request */
#define PURSER_ATTRIBUTE_DESTINATION_CONTAINER_NAME                60u  /* destination.container.name: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_OWNER                         61u  /* destination.owner: string, connection */
#define PURSER_ATTRIBUTE_DESTINATION_SERVICE_ACCOUNT               62u  /* destination.service_account: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_ID                             63u  /* connection.id: uint, connection */
#define PURSER_ATTRIBUTE_CONNECTION_MTLS                           64u  /* connection.mtls: bool, connection */
#define PURSER_ATTRIBUTE_CONNECTION_REQUESTED_SERVER_NAME          65u  /* connection.requested_server_name: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_TLS_VERSION                    66u  /* connection.tls_version: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_SUBJECT_PEER_CERTIFICATE       67u  /* connection.subject_peer_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_SUBJECT_LOCAL_CERTIFICATE      68u  /* connection.subject_local_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_DNS_SAN_PEER_CERTIFICATE       69u  /* connection.dns_san_peer_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_DNS_SAN_LOCAL_CERTIFICATE      70u  /* connection.dns_san_local_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_URI_SAN_PEER_CERTIFICATE       71u  /* connection.uri_san_peer_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_URI_SAN_LOCAL_CERTIFICATE      72u  /* connection.uri_san_local_certificate: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST 73u  /* connection.sha256_peer_certificate_digest: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_EVENT                          74u  /* connection.event: string, connection */
#define PURSER_ATTRIBUTE_CONNECTION_DURATION                       75u  /* connection.duration: duration, response */
#define PURSER_ATTRIBUTE_CONNECTION_RECEIVED_BYTES                 76u  /* connection.received_bytes: int, response */
#define PURSER_ATTRIBUTE_CONNECTION_RECEIVED_BYTES_TOTAL           77u  /* connection.received_bytes_total: int, response */
#define PURSER_ATTRIBUTE_CONNECTION_SENT_BYTES                     78u  /* connection.sent_bytes: int, response */
#define PURSER_ATTRIBUTE_CONNECTION_SENT_BYTES_TOTAL               79u  /* connection.sent_bytes_total: int, response */
#define PURSER_ATTRIBUTE_UPSTREAM_ADDRESS                          80u  /* upstream.address: string, response */
#define PURSER_ATTRIBUTE_UPSTREAM_PORT                             81u  /* upstream.port: int, response */
#define PURSER_ATTRIBUTE_UPSTREAM_TLS_VERSION                      82u  /* upstream.tls_version: string, response */
#define PURSER_ATTRIBUTE_UPSTREAM_REQUEST_ATTEMPT_COUNT            83u  /* upstream.request_attempt_count: uint, response */
#define PURSER_ATTRIBUTE_UPSTREAM_TRANSPORT_FAILURE_REASON         84u  /* upstream.transport_failure_reason: string, response */
#define PURSER_ATTRIBUTE_API_SERVICE                               85u  /* api.service: string, request */
#define PURSER_ATTRIBUTE_API_VERSION                               86u  /* api.version: string, request */
#define PURSER_ATTRIBUTE_API_OPERATION                             87u  /* api.operation: string, request */
#define PURSER_ATTRIBUTE_API_PROTOCOL                              88u  /* api.protocol: string, request */
#define PURSER_ATTRIBUTE_CONTEXT_PROTOCOL                          89u  /* context.protocol: string, connection */
#define PURSER_ATTRIBUTE_CONTEXT_REPORTER_KIND                     90u  /* context.reporter.kind: string, connection */
#define PURSER_ATTRIBUTE_CONTEXT_REPORTER_UID                      91u  /* context.reporter.uid: string, connection */
#define PURSER_ATTRIBUTE_XDS_ROUTE_NAME                            92u  /* xds.route_name: string, request */
#define PURSER_ATTRIBUTE_XDS_CLUSTER_NAME                          93u  /* xds.cluster_name: string, request */
#define PURSER_ATTRIBUTE_XDS_VIRTUAL_HOST_NAME                     94u  /* xds.virtual_host_name: string, request */
#define PURSER_ATTRIBUTE_XDS_LISTENER_DIRECTION                    95u  /* xds.listener_direction: int, connection */
#define PURSER_ATTRIBUTE_METADATA                                  96u  /* metadata: map(string,dyn), request */
#define PURSER_ATTRIBUTE_FILTER_STATE                              97u  /* filter_state: map(string,dyn), request */
#define PURSER_ATTRIBUTE_MCP_METHOD                                98u  /* mcp.method: string, request */
#define PURSER_ATTRIBUTE_MCP_TOOL                                  99u  /* mcp.tool: string, request */
#define PURSER_ATTRIBUTE_MCP_SESSION_ID                            100u  /* mcp.session_id: string, request */
#define PURSER_ATTRIBUTE_CUSTOM_FIRST 4096u

/*
 * The number of a well-known attribute, by name or alias (`source.ip` is source.address).
 *   PURSER_NOT_FOUND  there is none.
 * Any thread; needs no engine.
 */
purser_status purser_attribute_number(purser_text name, uint32_t *number_out);

/* When an attribute is known. */
typedef enum purser_phase {
  PURSER_PHASE_REQUEST = 0,    /* with the request */
  PURSER_PHASE_CONNECTION = 1, /* with the connection, before any request on it */
  PURSER_PHASE_RESPONSE = 2    /* when the request is done */
} purser_phase;

typedef struct purser_attribute_info {
  size_t size;
  purser_text name;
  purser_text type; /* as in an AttributeManifest: "string", "int", "map(string,string)", ... */
  purser_phase phase;
} purser_attribute_info;

/*
 * Name, type and phase of a well-known attribute; static. `size` is set by the caller.
 *   PURSER_NOT_FOUND  there is none of this number.
 */
purser_status purser_attribute_describe(uint32_t number, purser_attribute_info *info_out);

/* -------------------------------------------------------------------------------------- the host's side */

/* What a callback answers. Absent is not empty: an HTTP host always has request.headers, perhaps without entries. */
typedef enum purser_presence {
  PURSER_ABSENT = 0,  /* there is no such attribute or entry */
  PURSER_PRESENT = 1, /* it was written to the out parameter */
  PURSER_FAILED = 2,  /* it could not be found out; rules that read it err, and so fail closed */
  PURSER_NO_MAP = 3   /* from entry and iterate: there is no such map at all, not even an empty one */
} purser_presence;

/*
 * Memory for values that a callback must build: joined headers, lists, nested claims. It belongs to the engine and
 * lives until the purser_* call that asked returns. Valid only inside the callback.
 */
typedef struct purser_scratch purser_scratch;

/* Uninitialised memory, aligned to 16 bytes; NULL when the worker's bound (arena_bytes_max) is reached. */
void *purser_scratch_allocate(purser_scratch *scratch, size_t size);

/* Collects the entries of a map; see purser_host.iterate. Valid only inside that callback. */
typedef struct purser_visitor purser_visitor;

/*
 * Gives one entry. Key and value must live until the purser_* call that asked returns. An entry whose key was given
 * before replaces it.
 *   PURSER_LIMIT_REACHED  no more memory for entries; stop and return PURSER_FAILED.
 */
purser_status purser_visit(purser_visitor *visitor, purser_text key, const purser_value *value);

/*
 * How the engine asks. Called only from inside purser_check, purser_resume, purser_report and purser_explain, on the
 * calling thread, with the context given to purser_request_begin. Each attribute and each literal map entry is asked for at
 * most once a call, and only if a rule needs it. What is written must have the attribute's type, else rules that
 * read it err. Borrowed bytes must live until the purser_* call that asked returns.
 */
typedef struct purser_host {
  size_t size;
  /* The value of an attribute that is not a map. Required. */
  purser_presence (*get)(void *context, uint32_t attribute, purser_scratch *scratch, purser_value *value_out);
  /* One entry of a map attribute, such as a header; a header's key is in lower case, its several values are joined by a comma.
   * NULL: the host has no maps. */
  purser_presence (*entry)(void *context, uint32_t attribute, purser_text key, purser_scratch *scratch,
                           purser_value *value_out);
  /* All entries of a map attribute: call purser_visit for each and return PURSER_PRESENT. Asked only by expressions that
   * need the whole map or a key that is no literal, such as size(request.headers), and once a call; at most 1,024
   * entries. NULL: whole maps cannot be read, and such keys are asked for one by one. */
  purser_presence (*iterate)(void *context, uint32_t attribute, purser_scratch *scratch, purser_visitor *visitor);
} purser_host;

/* An attribute whose value is the same for every request: own workload, service, labels, reporter. */
typedef struct purser_constant {
  purser_text attribute; /* name or alias */
  purser_value value;    /* of the attribute's type; lists and maps of scalars */
} purser_constant;

/* ----------------------------------------------------------------------------------------------- problems */

/* What is wrong with documents. */
typedef struct purser_problems purser_problems;

typedef enum purser_severity { PURSER_SEVERITY_ERROR = 1, PURSER_SEVERITY_WARNING = 2 } purser_severity;

typedef struct purser_problem {
  purser_severity severity;
  purser_text file; /* path, or the name of the inline document */
  uint32_t line;    /* 1-based; 0 when the problem has no place */
  uint32_t column;  /* 1-based, in characters */
  purser_text message;
} purser_problem;

/* Any thread. Text lives until the problems are freed. */
purser_status purser_problems_count(const purser_problems *problems, size_t *count_out);
purser_status purser_problems_get(const purser_problems *problems, size_t index, purser_problem *problem_out);
/* All of them as `file:line:column: error: message`, each followed by the source line and a caret. */
purser_status purser_problems_text(const purser_problems *problems, purser_text *text_out);
void purser_problems_free(purser_problems *problems);

/* ------------------------------------------------------------------------------------------------- plans */

/* Everything compiled from one set of documents. */
typedef struct purser_plan purser_plan;

/* A document that is not in a file. */
typedef struct purser_document {
  purser_text name; /* stands for the file in messages */
  purser_text text; /* YAML, one or more documents */
} purser_document;

typedef struct purser_load_options {
  size_t size;
  /* Files, and directories of which every *.yaml, *.yml and *.json is read. */
  const purser_text *paths;
  size_t paths_count;
  const purser_document *documents;
  size_t documents_count;
  /* Names of the attributes that the host can supply; NULL: all. A plan that needs another is refused with the
   * attribute's name. request.url_path, request.query, request.host, request.useragent, request.referer and
   * destination.service.host also count as supplied when the attribute that they are derived from is. */
  const purser_text *attributes_served;
  size_t attributes_served_count;
  /* Folded into the plan; such an attribute is never asked for. */
  const purser_constant *constants;
  size_t constants_count;
} purser_load_options;

/*
 * Parses, validates and compiles. Needs no engine, starts no thread, opens no socket; may be called before a fork.
 * Runs on a thread of its own with a large stack, and waits for it.
 *   problems_out  may be NULL. Written with PURSER_OK too, where it holds warnings (NULL if there are none), and with PURSER_PROBLEMS.
 *   PURSER_PROBLEMS     nothing was loaded; *problems_out says why.
 *   PURSER_UNAVAILABLE  no thread could be started.
 * The caller frees the plan and the problems. Any thread.
 */
purser_status purser_plan_load(const purser_load_options *options, purser_plan **plan_out,
                               purser_problems **problems_out);

/* A digest of everything that the plan was compiled from: 64 hex digits. Lives as long as the plan. */
purser_status purser_plan_digest(const purser_plan *plan, purser_text *digest_out);

typedef struct purser_plan_summary {
  size_t size;
  size_t policies;
  size_t rules;
  size_t metrics;
  size_t access_logs;
  size_t backends;
  size_t value_lists;
  size_t enforced_policies;  /* 0 also where the PolicySet document says mode: Shadow */
  uint32_t allows_empty;     /* the PolicySet document says allowEmpty */
} purser_plan_summary;

/* Counts; `size` is set by the caller. */
purser_status purser_plan_summarize(const purser_plan *plan, purser_plan_summary *summary_out);

/*
 * How many of the plan's policies were compiled for it, and how many were taken from the plan before as they were: those whose
 * document is written as it was there, byte for byte, wherever it stands and whatever file it is in. purser_plan_load has no plan
 * before; purser_policy_set_load and purser_policy_set_watch have the set's. All are compiled again when what any may read
 * is another: custom attributes, names or types of ValueLists, constants of the host. A policy that names a time zone is compiled
 * each time. The plan is the same either way.
 *   PURSER_INVALID_ARGUMENT  a NULL pointer.
 */
purser_status purser_plan_compiled(const purser_plan *plan, size_t *compiled_out, size_t *reused_out);

typedef struct purser_rule_reference {
  purser_text policy;     /* name */
  purser_text policy_namespace;
  purser_text rule;       /* name */
  purser_text file;
  uint32_t line;          /* 1-based */
} purser_rule_reference;

/*
 * Rules that every check looks at, because no clause of theirs compares an attribute with what is known at load:
 * equality, `in`, a prefix or suffix, a pattern that begins with plain text, a list of addresses, presence. The cost of
 * a check grows with their number, not with that of the others. In work order; text lives as long as the plan.
 *   PURSER_INVALID_ARGUMENT  a NULL pointer, or an index that is out of range.
 */
purser_status purser_plan_unindexed_count(const purser_plan *plan, size_t *count_out);
purser_status purser_plan_unindexed_rule(const purser_plan *plan, size_t index, purser_rule_reference *rule_out);

/*
 * Rules that ask providers (CUSTOM), and the keys under which their answers are kept. A key is made of the attributes and map
 * entries that the rule's condition and the provider's question read, and of digests of what they are compiled from. Text lives
 * as long as the plan.
 *   PURSER_INVALID_ARGUMENT  a NULL pointer, a `size` that is too small, or an index that is out of range.
 */
typedef struct purser_external_rule {
  size_t size;                  /* set by the caller */
  purser_rule_reference rule;
  purser_text provider;         /* namespace/name */
  uint32_t is_cached;           /* answers are kept */
  size_t key_count;             /* attributes and entries in the key */
  int64_t ttl_ns;               /* how long an answer that allows is kept, nanoseconds */
  int64_t deny_ttl_ns;          /* the same of one that denies */
  int64_t stale_if_error_ns;    /* how long it may serve after that, if the provider fails */
} purser_external_rule;

purser_status purser_plan_externals_count(const purser_plan *plan, size_t *count_out);
purser_status purser_plan_external(const purser_plan *plan, size_t index, purser_external_rule *rule_out);
/* What a part of the key is, such as `request.headers["x-user"]`. */
purser_status purser_plan_external_key(const purser_plan *plan, size_t index, size_t part, purser_text *name_out);

/* The custom attributes that the plan's AttributeManifests declare, in the order of their names. */
purser_status purser_plan_attributes_count(const purser_plan *plan, size_t *count_out);
/* `size` is set by the caller. Text lives as long as the plan. For the number, see purser_engine_attribute. */
purser_status purser_plan_attribute(const purser_plan *plan, size_t index, purser_attribute_info *info_out);

/* Gives up the caller's share; policy sets that use the plan keep theirs. */
void purser_plan_free(purser_plan *plan);

/* ------------------------------------------------------------------------------------------------ engine */

typedef struct purser_engine purser_engine;

typedef struct purser_engine_options {
  size_t size;
  /* As in purser_load_options; used by purser_policy_set_load where its own options name none, and held against
   * every plan that a policy set is given. */
  const purser_text *attributes_served;
  size_t attributes_served_count;
  const purser_constant *constants;
  size_t constants_count;
  size_t arena_bytes_max;      /* what one worker may build in one call; 0: 1 MiB */
  size_t log_ring_bytes;       /* log records of one worker that wait for the exporter; 0: 256 KiB */
  /* Not 0: backends open no port, no file and no thread. Metrics are still recorded and rendered; log records are
   * not written. For tools that try policies beside the proxy that runs them. */
  uint32_t backends_off;
  /* The check cache. A folder in which providers' answers outlive the process, sealed; processes of one user may share it. It is
   * made, with mode 0700, if its parent is there. Empty: answers are kept in memory only. Nothing is opened before a plan has a
   * rule with `cache`. */
  purser_text store_directory;
  size_t store_bytes;        /* of its file, at least 1 MiB; another size is another file. 0: 64 MiB */
  size_t worker_cache_bytes; /* what one worker keeps at hand; 0: 4 MiB */
} purser_engine_options;

/*
 * Options may be NULL.
 *   PURSER_NOT_FOUND  attributes_served or constants name an attribute that is neither well-known nor a dotted name.
 * Frees: purser_engine_free. Any thread.
 */
purser_status purser_engine_new(const purser_engine_options *options, purser_engine **engine_out);

/*
 * Sends what waits, stops the engine's threads (a load of a watch that ended is waited for) and frees it.
 *   PURSER_BUSY    it still has workers or policy sets, or this is a `done` that an answer called; nothing was done.
 *   PURSER_FORKED  nothing was done; the child leaves the parent's engine alone.
 */
purser_status purser_engine_free(purser_engine *engine);

/*
 * The number of an attribute, well-known or custom; a custom (name, type) gets its number now if it has none, and
 * keeps it as long as the engine lives.
 *   type  the name as in an AttributeManifest: "string", "int", "map(string,string)", …; ignored for well-known ones.
 *   PURSER_NOT_FOUND      the name is not dotted, or the type is none.
 *   PURSER_LIMIT_REACHED  4,096 custom attributes have numbers.
 */
purser_status purser_engine_attribute(purser_engine *engine, purser_text name, purser_text type,
                                      uint32_t *number_out);

/* ------------------------------------------------------------------------------------------- policy sets */

/* A named place for documents and their current plan. Before it has one, every check is denied: 503, `no-plan`. */
typedef struct purser_policy_set purser_policy_set;

/* The name keeps the series of several sets apart in memory and may be empty; equal series of equal metrics are added up
 * where they are rendered. Frees: purser_policy_set_free. Any thread. */
purser_status purser_policy_set_new(purser_engine *engine, purser_text name, purser_policy_set **set_out);

/* A watch of it ends, as by purser_policy_set_unwatch. PURSER_BUSY: requests begun with it are open, or it is called from the
 * set's own watch; nothing was done. */
purser_status purser_policy_set_free(purser_policy_set *set);

/*
 * Makes the plan the set's current one. Requests that were checked keep the plan of their check until they end.
 * The set takes a share of the plan; the caller keeps its own.
 *   problems_out        may be NULL; as purser_plan_load.
 *   PURSER_PROBLEMS     refused, the old plan serves on: an attribute the engine's host does not serve, or no enforced Policy
 *                       where there was one (unless the PolicySet document says allowEmpty).
 *   PURSER_UNAVAILABLE  a backend's socket, file, library or thread could not be had; the old plan serves on.
 */
purser_status purser_policy_set_use(purser_policy_set *set, purser_plan *plan, purser_problems **problems_out);

/* purser_plan_load with the engine's declarations, then purser_policy_set_use. The same statuses. Policies that the set's current
 * plan has in the same words are not compiled again: see purser_plan_compiled. */
purser_status purser_policy_set_load(purser_policy_set *set, const purser_load_options *options,
                                     purser_problems **problems_out);

/*
 * What happens when watched files change. Everything but `size` may be left zero; `user` is handed to the callbacks, and
 * is needed until the watch has ended.
 *
 * The callbacks are called on a thread of the engine (`prepare` of the first load on the thread that called
 * purser_policy_set_watch), one at a time, with all signals blocked. They may call everything of this header except, for
 * their own set, purser_policy_set_watch, purser_policy_set_unwatch and purser_policy_set_free, which return
 * PURSER_BUSY or PURSER_WRONG_STATE. Until they return, no watched set of the engine is loaded.
 */
typedef struct purser_watch {
  size_t size;
  void *user;
  /* A plan was loaded and is about to be used, or refused: what a host must know before the first request meets it, such as
   * the numbers of its custom attributes. The plan lives until the call returns. NULL: nobody asks. */
  void (*prepare)(void *user, const purser_plan *plan);
  /* Files changed and were loaded. PURSER_OK: they decide from now on; `problems` are warnings. Any other status: the old plan
   * serves on, and `problems` say why. They are as of purser_policy_set_load, and besides
   *   PURSER_LIMIT_REACHED  not every file can be followed, for want of inotify watches (fs.inotify.max_user_watches); it is
   *                         tried again every ten seconds, and told once.
   * `problems` are NULL when there are none, and freed when the call returns. Not called for the first load, nor where files
   * changed and the plan is the same, except after one that was refused. NULL: nobody is told. */
  void (*done)(void *user, purser_status status, const purser_problems *problems);
  uint32_t settle_ms;     /* how long nothing may change before files are loaded; 0: 100 */
  uint32_t settle_max_ms; /* how long after the first change they are loaded although changes go on; 0: 2,000 */
  /* How often files are looked at besides, for file systems that tell of no changes, such as those of a network. 0: never. */
  uint32_t poll_ms;
} purser_watch;

/*
 * purser_policy_set_load, and again whenever one of the files changes: those of options->paths, what comes into and goes from
 * its directories, and files that ValueLists name. They may be written in place (they are read when the writer closes
 * them), moved over, vanish and come back; directories and links on the way may be replaced, as Kubernetes does with what
 * it mounts of a ConfigMap. Options are copied, and hold for every load. Relative paths are of the working directory.
 *   watch               may be NULL.
 *   problems_out        may be NULL; as purser_plan_load, and what could not be had with PURSER_LIMIT_REACHED and PURSER_UNAVAILABLE.
 *   PURSER_INVALID_ARGUMENT  also without any path.
 *   PURSER_WRONG_STATE  the set is watched already.
 *   PURSER_PROBLEMS     nothing was loaded, or it was refused, as purser_policy_set_load; the set is not watched.
 *   PURSER_LIMIT_REACHED  this user has too many inotify instances (fs.inotify.max_user_instances) or watches
 *                       (fs.inotify.max_user_watches). The set is not watched; the plan may be in use, if the limit was reached
 *                       by the files of ValueLists.
 *   PURSER_UNAVAILABLE  a thread, or what a backend needs, could not be had; the set is not watched.
 * The engine's thread for this starts with its first watched set and ends by itself after the last. Any thread.
 */
purser_status purser_policy_set_watch(purser_policy_set *set, const purser_load_options *options, const purser_watch *watch,
                                      purser_problems **problems_out);

/*
 * Ends the watch; the plan stays. A callback that runs is waited for, and none is called afterwards; a load that is under way is
 * not waited for, and comes to nothing. purser_policy_set_free does the same.
 *   PURSER_NOT_FOUND  the set is not watched.
 *   PURSER_BUSY       called from the watch's own callback, or while purser_policy_set_watch runs; nothing was done.
 * Any thread.
 */
purser_status purser_policy_set_unwatch(purser_policy_set *set);

/* The current plan's digest, copied; free it with purser_text_free.
 *   PURSER_NOT_FOUND  there is no plan yet. */
purser_status purser_policy_set_digest(purser_policy_set *set, purser_text *digest_out);

/* purser_plan_compiled of the current plan.
 *   PURSER_NOT_FOUND  there is no plan yet. */
purser_status purser_policy_set_compiled(purser_policy_set *set, size_t *compiled_out, size_t *reused_out);

/* ----------------------------------------------------------------------------------------------- workers */

/* The memory of one host thread that checks and reports. */
typedef struct purser_worker purser_worker;

/* Frees: purser_worker_free. Any thread. */
purser_status purser_worker_new(purser_engine *engine, purser_worker **worker_out);

/* What it recorded is kept. PURSER_BUSY: in use, or requests begun on it are open; nothing was done. */
purser_status purser_worker_free(purser_worker *worker);

/* ---------------------------------------------------------------------------------------------- requests */

/*
 * One request (or connection) from begin to end. The memory is the host's: purser_request_size() bytes, aligned to
 * 16, not moved between begin and end. Many may be open on one worker.
 */
typedef struct purser_request purser_request;

/* Bytes; the same for the life of the process. */
size_t purser_request_size(void);

typedef struct purser_request_options {
  size_t size;
  purser_phase phase; /* PURSER_PHASE_REQUEST or PURSER_PHASE_CONNECTION */
  /* The checked connection that a request came on, or NULL. It spares evaluating policies of the connection phase again. It
   * must belong to the same worker and policy set and stay open during the request's check. */
  const purser_request *connection;
} purser_request_options;

/*
 * Begins, in memory in which no request is open. `host` is copied; `context` is handed to its callbacks. Options may be
 * NULL. The set's plan of this moment is the request's until it ends.
 *   PURSER_BUSY         the worker is in use.
 *   PURSER_WRONG_STATE  worker and set are of different engines, or `connection` is no checked connection of this worker
 *                       and set.
 */
purser_status purser_request_begin(purser_request *memory, purser_worker *worker, purser_policy_set *set,
                                   const purser_host *host, void *context, const purser_request_options *options);

/* How a check that went pending ended. */
typedef enum purser_outcome {
  PURSER_OUTCOME_ANSWERED = 0,  /* call purser_resume */
  PURSER_OUTCOME_CANCELLED = 1, /* purser_cancel was called */
  PURSER_OUTCOME_TIMED_OUT = 2, /* call purser_resume; the provider's failureMode decides */
  PURSER_OUTCOME_CLOSED = 3     /* the engine is being freed; no engine of this version is while a check is pending */
} purser_outcome;

typedef struct purser_pending {
  size_t size;
  /* Runs exactly once for each check that returned PURSER_PENDING, on any thread, perhaps before purser_check
   * returns; after purser_cancel it still runs. Release `user` there and only there. Other answers may wait for it, so it
   * does no more than wake whoever resumes. */
  void (*done)(void *user, purser_outcome outcome);
  void *user;
} purser_pending;

/*
 * Decides. A connection check answers early: it denies only what every request on that connection would be denied.
 *   now_ns   nanoseconds since the Unix epoch; 0: the system's clock is read if the plan needs the time.
 *   pending  NULL: this host cannot wait; a check that would be pending is answered by an old answer that `staleIfError` permits,
 *            else by the provider's failureMode.
 *   PURSER_OK           the decision can be read, until purser_request_end.
 *   PURSER_PENDING      a CUSTOM rule holds and its provider has to be asked; call purser_resume after `done` has run. Until
 *                       then the request has no decision. What was asked is copied: the host's values are not needed for it.
 *   PURSER_BUSY         the worker is in use.
 *   PURSER_WRONG_STATE  the request is not begun, or was checked already.
 */
purser_status purser_check(purser_request *request, int64_t now_ns, const purser_pending *pending);

/*
 * The same for a host that may wait: the calling thread sleeps until the providers have answered, at most timeout_ms (0: as
 * long as their own timeouts let them). Then the check counts as cancelled.
 *   PURSER_OK           the decision can be read.
 *   PURSER_UNAVAILABLE  without memory for a lock; nothing was done.
 *   PURSER_BUSY         also in a `done` that an answer of this engine called: nobody else would bring the answer.
 *   Others              as purser_check.
 */
purser_status purser_check_wait(purser_request *request, int64_t now_ns, uint32_t timeout_ms);

/* Gives the decision of a pending check; on the request's worker, after `done` said answered or timed out.
 *   PURSER_PENDING      the answer is not there yet.
 *   PURSER_WRONG_STATE  the request is not pending. */
purser_status purser_resume(purser_request *request, int64_t now_ns);

/* Gives up a pending check; on the request's worker. `done` runs with PURSER_OUTCOME_CANCELLED, before this returns, unless it
 * ran before, or is running just now on a thread of the engine's: then it may end after this. What `done` uses is its own to free.
 * The decision is then a denial for want of an answer; what was asked may still be cached.
 *   PURSER_BUSY         the worker is in use.
 *   PURSER_WRONG_STATE  the request is not pending. */
purser_status purser_cancel(purser_request *request);

/*
 * Records metrics and log records of a finished request, with the plan of its check.
 *   now_ns   as in purser_check.
 *   PURSER_WRONG_STATE  the request was not checked, or was reported already.
 *   PURSER_BUSY         the worker is in use.
 */
purser_status purser_report(purser_request *request, int64_t now_ns);

/* Ends: the memory is the host's again, decision texts are gone. A pending check is cancelled. The last request that
 * used a replaced plan frees it here, and closes the backends that only that plan had.
 *   PURSER_BUSY         the worker is in use; the request stays begun.
 *   PURSER_WRONG_STATE  it was not begun. */
purser_status purser_request_end(purser_request *request);

/* --------------------------------------------------------------------------------------------- decisions */

typedef enum purser_verdict { PURSER_VERDICT_DENY = 0, PURSER_VERDICT_ALLOW = 1 } purser_verdict;

typedef enum purser_reason_kind {
  PURSER_REASON_RULE = 1,          /* a rule holds */
  PURSER_REASON_RULE_ERROR = 2,    /* a rule erred, and so denies */
  PURSER_REASON_NO_ALLOW_RULE = 3, /* there are ALLOW rules for this request and none holds */
  PURSER_REASON_DEFAULT = 4,       /* no ALLOW rule is about this request; the set's default decides */
  PURSER_REASON_NO_PLAN = 5,       /* the policy set has no plan yet */
  PURSER_REASON_PROVIDER_FAILURE = 6 /* a provider could not say, and its failureMode denies */
} purser_reason_kind;

typedef struct purser_header {
  purser_text name;
  purser_text value;    /* empty for a removal */
  uint32_t operation;   /* a purser_header_operation */
} purser_header;

typedef enum purser_header_operation {
  PURSER_HEADER_SET = 0,    /* replace all values of that name */
  PURSER_HEADER_APPEND = 1, /* add a value */
  PURSER_HEADER_REMOVE = 2,
  PURSER_HEADER_SET_IF_ABSENT = 3,  /* only where there is none of that name; providers ask for it */
  PURSER_HEADER_SET_IF_PRESENT = 4  /* only where there is one of that name */
} purser_header_operation;

/*
 * The getters read the decision of a checked request. Their text lives until purser_request_end. They may be called
 * only by the thread that uses the request's worker.
 *   PURSER_WRONG_STATE  the request has no decision.
 */
purser_status purser_decision_verdict(const purser_request *request, purser_verdict *verdict_out);
/* HTTP status and google.rpc code: 200 and 0 when allowed. */
purser_status purser_decision_status(const purser_request *request, uint32_t *http_status_out, uint32_t *code_out);
/* A short text for the client, such as "permission denied"; names no rule. */
purser_status purser_decision_message(const purser_request *request, purser_text *message_out);
/* The body to send with a denial; empty unless the rule's `response` or the provider's answer has one. */
purser_status purser_decision_body(const purser_request *request, purser_text *body_out);
purser_status purser_decision_reason_kind(const purser_request *request, purser_reason_kind *kind_out);
/* The reason in words, for logs: which rule, or which default and the policies that selected the request. */
purser_status purser_decision_reason(const purser_request *request, purser_text *reason_out);
/* The rule of the reason. PURSER_NOT_FOUND: no single rule decided. */
purser_status purser_decision_rule(const purser_request *request, purser_rule_reference *rule_out);
/* Changes to the request's headers before it is forwarded (when allowed). */
purser_status purser_decision_request_headers_count(const purser_request *request, size_t *count_out);
purser_status purser_decision_request_header(const purser_request *request, size_t index, purser_header *header_out);
/* Changes to the response's headers; when denied, the headers of the local response. */
purser_status purser_decision_response_headers_count(const purser_request *request, size_t *count_out);
purser_status purser_decision_response_header(const purser_request *request, size_t index, purser_header *header_out);
/* The AUDIT rules that hold, at most 16. */
purser_status purser_decision_audits_count(const purser_request *request, size_t *count_out);
purser_status purser_decision_audit(const purser_request *request, size_t index, purser_rule_reference *rule_out);
/* The rules that erred while deciding, at most 16, each with what went wrong. */
purser_status purser_decision_errors_count(const purser_request *request, size_t *count_out);
purser_status purser_decision_error(const purser_request *request, size_t index, purser_rule_reference *rule_out,
                                    purser_text *error_out);
/* 1 if providers' answers decided and all of them came from the check cache. */
purser_status purser_decision_is_cached(const purser_request *request, uint32_t *cached_out);
/* What the verdict would be were all Shadow policies enforced. PURSER_NOT_FOUND: the plan has none. */
purser_status purser_decision_shadow_verdict(const purser_request *request, purser_verdict *verdict_out);
/* The rules of Shadow policies that make the difference, at most 16; none when the verdicts agree. */
purser_status purser_decision_shadow_rules_count(const purser_request *request, size_t *count_out);
purser_status purser_decision_shadow_rule(const purser_request *request, size_t index,
                                          purser_rule_reference *rule_out);
/* The digest of the plan that decided. PURSER_NOT_FOUND: there was no plan. */
purser_status purser_decision_plan(const purser_request *request, purser_text *digest_out);

/*
 * Decides again with the plan of the check, evaluates every rule, and tells it all as one JSON object; see
 * docs/explain.md. The values of `authorization`, `cookie`, claims and keys are masked. Slow: not for every request.
 * The caller frees the text with purser_text_free.
 *   PURSER_WRONG_STATE  the request was not checked or had no plan.
 *   PURSER_BUSY         the worker is in use.
 */
purser_status purser_explain(purser_request *request, int64_t now_ns, purser_text *json_out);

/* ------------------------------------------------------------------------------------------- check cache */

/*
 * Forgets kept answers of providers, in this engine and in every process that shares its store folder: all of them, those to
 * questions of one policy's rules, or those that were kept with one value of an attribute that `cache.purgeBy` names. What is
 * under way meanwhile is not kept. Any thread.
 *   policy     `namespace/name`, or a name of the namespace `default`.
 *   attribute  a name as in `purgeBy`; `value` is a bool, a number or text.
 *   PURSER_NOT_FOUND    the attribute is none.
 *   PURSER_UNAVAILABLE  the folder cannot be written to.
 */
purser_status purser_cache_purge(purser_engine *engine);
purser_status purser_cache_purge_policy(purser_engine *engine, purser_text policy);
purser_status purser_cache_purge_attribute(purser_engine *engine, purser_text attribute, const purser_value *value);

/* Why answers are not kept in the store folder of the engine's options; the caller frees the text with purser_text_free.
 *   PURSER_NOT_FOUND  they are, or no folder was given, or no plan has a rule with `cache` yet. */
purser_status purser_cache_problem(purser_engine *engine, purser_text *problem_out);

/* A store folder, looked at without the engine that uses it: for tools. */
typedef struct purser_store purser_store;

/*
 * Opens the stores of a folder for reading; makes no store.
 *   problem_out         why not, with PURSER_UNAVAILABLE; may be NULL; the caller frees the text with purser_text_free.
 *   PURSER_UNAVAILABLE  there is no such folder, it is not private to this user, or LMDB (liblmdb0) is not installed.
 * Frees: purser_store_free. One thread at a time.
 */
purser_status purser_store_open(purser_text directory, purser_store **store_out, purser_text *problem_out);
void purser_store_free(purser_store *store);

/* One file of the folder. Times are nanoseconds since the Unix epoch; 0 without entries. */
typedef struct purser_store_summary {
  size_t size;                 /* set by the caller */
  size_t entries;
  size_t expired;              /* of them: past their time */
  size_t purged;               /* of them: forgotten by a purge */
  size_t broken;               /* not as they were sealed; with `verify` only */
  size_t bytes;                /* in use */
  size_t bytes_max;
  int64_t oldest_asked_ns;
  int64_t latest_asked_ns;
  purser_text problem;         /* why it is not used; lives until the next scan */
} purser_store_summary;

/* Counts what is in each file; `verify` not 0 opens every seal.
 *   now_ns  0: the system's clock. */
purser_status purser_store_scan(purser_store *store, int64_t now_ns, uint32_t verify, size_t *files_out);
/* What the last scan saw. */
purser_status purser_store_file(const purser_store *store, size_t index, purser_store_summary *summary_out);

typedef struct purser_store_answer {
  size_t size;                 /* set by the caller */
  purser_verdict verdict;
  uint32_t http_status;        /* of a denial; 0 for the rule's own */
  int64_t asked_ns;
  int64_t fresh_until_ns;
  int64_t stale_until_ns;
  uint32_t is_current;         /* 0: purged since */
} purser_store_answer;

/*
 * The answer that is kept for a begun request and a rule of its plan.
 *   external  as in purser_plan_external.
 *   PURSER_NOT_FOUND    none is kept.
 *   PURSER_BUSY         the request's worker is in use.
 *   PURSER_WRONG_STATE  the request is not begun, or the rule keeps no answers.
 */
purser_status purser_store_find(purser_store *store, purser_request *request, size_t external,
                                purser_store_answer *answer_out);

/* As purser_cache_purge and its like, by whoever may write to the folder. */
purser_status purser_store_purge(purser_store *store);
purser_status purser_store_purge_policy(purser_store *store, purser_text policy);
purser_status purser_store_purge_attribute(purser_store *store, purser_text attribute, const purser_value *value);

/* --------------------------------------------------------------------------------------------- telemetry */

/*
 * All metrics of the engine in Prometheus' text format 0.0.4, Purser's own among them. The caller frees the text with
 * purser_text_free.
 *   backend  the name of a prometheus backend: only the metrics sent to it; empty: all.
 *   PURSER_NOT_FOUND  no loaded plan has that backend.
 */
purser_status purser_metrics_render(purser_engine *engine, purser_text backend, purser_text *text_out);

/* Where a prometheus backend listens, as "address:port", copied; free it with purser_text_free. With port 0 in the
 * document the system chose one.
 *   PURSER_NOT_FOUND  no such backend, or it has no listener. */
purser_status purser_backend_address(purser_engine *engine, purser_text backend, purser_text *address_out);

/* Waits until log records of finished reports were handed to their files, at most timeout_ms. What a file did not take is
 * counted in purser_log_write_failures_total.
 *   PURSER_UNAVAILABLE  the time was up before. */
purser_status purser_engine_flush(purser_engine *engine, uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
