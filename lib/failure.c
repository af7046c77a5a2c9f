/*
 * The table of failures.
 */
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "limit.h"
#include "utf8.h"

static const struct entry {
	const char	*name;
	bool		 retryable;
	enum exit_code	 exit;
	const char	*message[LANGUAGE__MAX];
} table[FAILURE__MAX] = {
	[FAILURE_NONE] = { "none", false, EXIT_GOOD, { "", "" } },
	[FAILURE_BAD_JSON] = { "bad_json", false, EXIT_CLIENT, {
	    "A mensagem não é um objeto JSON válido em UTF-8.",
	    "The message is not one valid JSON object in UTF-8." } },
	[FAILURE_BAD_REQUEST] = { "bad_request", false, EXIT_CLIENT, {
	    "O campo \"{}\" falta, está vazio, repetido ou é do tipo errado.",
	    "The field \"{}\" is missing, blank, repeated or of the wrong "
	    "type." } },
	[FAILURE_TOO_LARGE] = { "too_large", false, EXIT_CLIENT, {
	    "O texto do chamado passa do limite de {} bytes.",
	    "The ticket's text is over the limit of {} bytes." } },
	[FAILURE_BAD_TICKET_ID] = { "bad_ticket_id", false, EXIT_CLIENT, {
	    "O endereço não é /api/websocket/chat/ seguido do número de um "
	    "chamado, como em /api/websocket/chat/42.",
	    "The address is not /api/websocket/chat/ and a ticket's number, "
	    "as in /api/websocket/chat/42." } },
	[FAILURE_UNKNOWN_TICKET] = { "unknown_ticket", false, EXIT_CLIENT, {
	    "O chamado {} não existe.",
	    "There is no ticket {}." } },
	[FAILURE_FORBIDDEN_ORIGIN] = { "forbidden_origin", false, EXIT_CLIENT, {
	    "Esta página não tem permissão para usar o serviço. O "
	    "administrador a inclui em ALLOWED_ORIGINS.",
	    "This page may not use the service. The administrator adds it to "
	    "ALLOWED_ORIGINS." } },
	[FAILURE_UNAUTHORIZED] = { "unauthorized", false, EXIT_CLIENT, {
	    "Acesso negado a este chamado: entre de novo no sistema.",
	    "No access to this ticket: sign in again." } },
	[FAILURE_RATE_LIMITED] = { "rate_limited", true, EXIT_CLIENT, {
	    "Foram pedidas respostas demais, ou há páginas demais abertas. "
	    "Espere um pouco e tente de novo.",
	    "Too many answers were asked for, or too many pages are open. "
	    "Wait a while and try again." } },
	[FAILURE_QUEUE_FULL] = { "queue_full", true, EXIT_UPSTREAM, {
	    "Há respostas demais na fila. Tente de novo em instantes.",
	    "Too many answers are waiting. Try again in a moment." } },
	[FAILURE_STOPPED] = { "stopped", true, EXIT_UPSTREAM, {
	    "A resposta foi interrompida a pedido.",
	    "The answer was stopped on request." } },
	[FAILURE_INTERRUPTED] = { "interrupted", true, EXIT_UPSTREAM, {
	    "A geração da resposta caiu antes do fim. Tente de novo.",
	    "The answer broke off before its end. Try again." } },
	[FAILURE_SHUTTING_DOWN] = { "shutting_down", true, EXIT_UPSTREAM, {
	    "O serviço está sendo encerrado. Tente de novo em instantes.",
	    "The service is shutting down. Try again in a moment." } },
	[FAILURE_UPSTREAM_UNREACHABLE] = { "upstream_unreachable", true,
	    EXIT_UPSTREAM, {
	    "O Ollama não está acessível. Inicie-o (ollama serve) ou corrija "
	    "OLLAMA_SERVER.",
	    "Ollama cannot be reached. Start it (ollama serve) or correct "
	    "OLLAMA_SERVER." } },
	[FAILURE_UPSTREAM_BUSY] = { "upstream_busy", true, EXIT_UPSTREAM, {
	    "O Ollama está ocupado. Tente de novo em instantes.",
	    "Ollama is busy. Try again in a moment." } },
	[FAILURE_UPSTREAM_TIMEOUT] = { "upstream_timeout", true,
	    EXIT_UPSTREAM, {
	    "O modelo não respondeu a tempo ({}). Tente de novo.",
	    "The model did not answer in time ({}). Try again." } },
	[FAILURE_UPSTREAM_ERROR] = { "upstream_error", true, EXIT_UPSTREAM, {
	    "O Ollama falhou durante a resposta. Tente de novo; se continuar, "
	    "veja o log do Ollama.",
	    "Ollama failed while answering. Try again; if it persists, see "
	    "Ollama's log." } },
	[FAILURE_UPSTREAM_INVALID] = { "upstream_invalid", true,
	    EXIT_UPSTREAM, {
	    "O servidor em OLLAMA_SERVER respondeu algo que não é do Ollama.",
	    "The server at OLLAMA_SERVER answered something that is not "
	    "Ollama's." } },
	[FAILURE_UPSTREAM_TRUNCATED] = { "upstream_truncated", true,
	    EXIT_UPSTREAM, {
	    "A resposta do modelo terminou antes do fim e não foi guardada. "
	    "Tente de novo.",
	    "The model's answer ended before its end and was not kept. Try "
	    "again." } },
	[FAILURE_EMPTY_ANSWER] = { "empty_answer", true, EXIT_UPSTREAM, {
	    "O modelo não escreveu nada. Tente de novo.",
	    "The model wrote nothing. Try again." } },
	[FAILURE_UPSTREAM_REJECTED] = { "upstream_rejected", false,
	    EXIT_UPSTREAM, {
	    "O Ollama recusou o pedido (HTTP {}). O administrador verifica "
	    "OLLAMA_SERVER, OLLAMA_OPTIONS, OLLAMA_THINK, OLLAMA_KEEP_ALIVE e "
	    "OLLAMA_TOKEN_FILE.",
	    "Ollama refused the request (HTTP {}). The administrator checks "
	    "OLLAMA_SERVER, OLLAMA_OPTIONS, OLLAMA_THINK, OLLAMA_KEEP_ALIVE "
	    "and OLLAMA_TOKEN_FILE." } },
	[FAILURE_MODEL_MISSING] = { "model_missing", false, EXIT_UPSTREAM, {
	    "O modelo não está instalado no Ollama. No servidor: "
	    "ollama pull {}",
	    "The model is not installed in Ollama. On the server: "
	    "ollama pull {}" } },
	[FAILURE_PROMPT_TOO_LONG] = { "prompt_too_long", false,
	    EXIT_UPSTREAM, {
	    "O chamado não cabe no contexto do modelo. Encurte o texto ou "
	    "aumente num_ctx em OLLAMA_OPTIONS.",
	    "The ticket does not fit the model's context. Shorten the text or "
	    "raise num_ctx in OLLAMA_OPTIONS." } },
	[FAILURE_ANSWER_TOO_LONG] = { "answer_too_long", false,
	    EXIT_UPSTREAM, {
	    "A resposta passou do limite de {} bytes e não foi guardada.",
	    "The answer went over the limit of {} bytes and was not kept." } },
	[FAILURE_STORAGE] = { "storage", true, EXIT_SYSTEM, {
	    "O banco de dados não pôde ser usado. Tente de novo; o log diz o "
	    "motivo.",
	    "The database could not be used. Try again; the log says why." } },
	[FAILURE_SCHEMA] = { "schema", false, EXIT_SETTINGS, {
	    "O banco de dados é de outra versão do programa. O administrador "
	    "executa: sessions migrate",
	    "The database belongs to another version of the program. The "
	    "administrator runs: sessions migrate" } },
	[FAILURE_INTERNAL] = { "internal", true, EXIT_SYSTEM, {
	    "Erro interno. Tente de novo; o log diz o motivo.",
	    "Internal error. Try again; the log says why." } },
};

struct failure
failure_make(enum failure_code code, const char *detail)
{
	struct failure	f = { .code = code };
	size_t		len;

	if (detail != NULL) {
		len = utf8_cut(detail, strlen(detail), sizeof(f.detail) - 1);
		memcpy(f.detail, detail, len);
	}
	return f;
}

const char *
failure_name(enum failure_code code)
{
	return table[code].name;
}

enum failure_code
failure_from_name(const char *name, size_t len)
{
	size_t	i;

	for (i = 0; i < FAILURE__MAX; i++) {
		if (strlen(table[i].name) == len &&
		    memcmp(table[i].name, name, len) == 0)
			return (enum failure_code)i;
	}
	return FAILURE_INTERNAL;
}

bool
failure_retryable(enum failure_code code)
{
	return table[code].retryable;
}

enum exit_code
failure_exit(enum failure_code code)
{
	return table[code].exit;
}

const char *
failure_message(enum failure_code code, enum language language)
{
	return table[code].message[language];
}

const char *
failure_words(const struct failure *f, enum language language)
{
	static const struct {
		enum failure_code	 code;
		enum failure_cause	 cause;
		const char		*detail, *words[LANGUAGE__MAX];
	} special[] = {
		{ FAILURE_UPSTREAM_ERROR, FAILURE_USUAL,
		    FAILURE_MEMORY, {
		    "Falta memória para o modelo no servidor do Ollama. O "
		    "administrador escolhe um modelo menor ou diminui num_ctx "
		    "em OLLAMA_OPTIONS.",
		    "Ollama's machine has too little memory for the model. The "
		    "administrator takes a smaller model or num_ctx "
		    "(OLLAMA_OPTIONS)." } },
		{ FAILURE_UPSTREAM_UNREACHABLE, FAILURE_USUAL,
		    FAILURE_CERTIFICATE, {
		    "O certificado do servidor em OLLAMA_SERVER não é "
		    "confiável aqui. O administrador instala a autoridade "
		    "certificadora (update-ca-certificates).",
		    "The certificate of the server at OLLAMA_SERVER is not "
		    "trusted here. The administrator installs its authority "
		    "(update-ca-certificates)." } },
		{ FAILURE_BAD_REQUEST, FAILURE_NUL, NULL, {
		    "O texto do chamado (\"ticketBody\") contém o caractere "
		    "U+0000, que não existe em um texto. Retire-o.",
		    "The ticket's text (\"ticketBody\") contains the character "
		    "U+0000, which no text has. Remove it." } },
		{ FAILURE_BAD_JSON, FAILURE_HALF_PAIR, NULL, {
		    "O texto do chamado contém metade de um par substituto "
		    "(U+D800 a U+DFFF, um emoji cortado ao meio). Em "
		    "JavaScript: text.toWellFormed().",
		    "The ticket's text contains half a surrogate pair (U+D800 "
		    "to U+DFFF, an emoji that was cut in two). In JavaScript: "
		    "text.toWellFormed()." } },
		{ FAILURE_BAD_JSON, FAILURE_MANY_VALUES, NULL, {
		    "A mensagem tem mais de " LIMIT_TEXT(MESSAGE_TOKENS)
		    " valores JSON. Envie só os campos do protocolo.",
		    "The message has more than " LIMIT_TEXT(MESSAGE_TOKENS)
		    " JSON values. Send the protocol's fields only." } },
	};
	size_t	i;

	for (i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if (f->code == special[i].code &&
		    f->cause == special[i].cause &&
		    (special[i].detail == NULL ||
		    strcmp(f->detail, special[i].detail) == 0))
			return special[i].words[language];
	}
	return failure_message(f->code, language);
}
