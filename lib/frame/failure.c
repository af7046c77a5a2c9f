/*
 * The table of failures.
 */
#include <stdio.h>
#include <string.h>

#include "base/limit.h"
#include "base/utf8.h"
#include "frame/failure.h"

static const struct entry {
	const char	*name;
	bool		 retryable;
	enum exit_code	 exit;
	const char	*message[LANGUAGE__MAX];
} table[FAILURE__MAX] = {
	[FAILURE_NONE] = { "none", false, EXIT_GOOD, { "", "", "" } },
	[FAILURE_BAD_JSON] = { "bad_json", false, EXIT_CLIENT, {
	    "A mensagem não é um objeto JSON válido em UTF-8.",
	    "The message is not one valid JSON object in UTF-8.",
	    "El mensaje no es un objeto JSON válido en UTF-8." } },
	[FAILURE_BAD_REQUEST] = { "bad_request", false, EXIT_CLIENT, {
	    "O campo \"{}\" tem um valor que não é aceito.",
	    "The field \"{}\" has a value that is not accepted.",
	    "El campo \"{}\" tiene un valor que no se acepta." } },
	[FAILURE_TOO_LARGE] = { "too_large", false, EXIT_CLIENT, {
	    "O texto do chamado é longo demais (limite: {} bytes). Apague "
	    "citações antigas.",
	    "The ticket's text is too long (limit: {} bytes). Delete old "
	    "quotations.",
	    "El texto del ticket es demasiado largo (límite: {} bytes). "
	    "Borre las citas antiguas." } },
	[FAILURE_BAD_TICKET_ID] = { "bad_ticket_id", false, EXIT_CLIENT, {
	    "O endereço não é /api/websocket/chat/ seguido do número de um "
	    "chamado, como em /api/websocket/chat/42.",
	    "The address is not /api/websocket/chat/ followed by a ticket's "
	    "number, as in /api/websocket/chat/42.",
	    "La dirección no es /api/websocket/chat/ seguido del número de un "
	    "ticket, como en /api/websocket/chat/42." } },
	[FAILURE_UNKNOWN_TICKET] = { "unknown_ticket", false, EXIT_CLIENT, {
	    "O chamado {} não existe.",
	    "There is no ticket {}.",
	    "El ticket {} no existe." } },
	[FAILURE_FORBIDDEN_ORIGIN] = { "forbidden_origin", false, EXIT_CLIENT, {
	    "Esta página não tem permissão para usar o serviço. Peça ao "
	    "administrador que a inclua em ALLOWED_ORIGINS.",
	    "This page may not use the service. Ask the administrator to add "
	    "it to ALLOWED_ORIGINS.",
	    "Esta página no puede usar el servicio. Pida al administrador "
	    "que la incluya en ALLOWED_ORIGINS." } },
	[FAILURE_UNAUTHORIZED] = { "unauthorized", false, EXIT_CLIENT, {
	    "Você não tem acesso a este chamado. Faça login novamente.",
	    "You have no access to this ticket. Sign in again.",
	    "No tiene acceso a este ticket. Inicie sesión de nuevo." } },
	[FAILURE_NO_ANSWER] = { "no_answer", false, EXIT_CLIENT, {
	    "Este chamado ainda não tem resposta.",
	    "This ticket has no answer yet.",
	    "Este ticket todavía no tiene respuesta." } },
	[FAILURE_NOT_ALLOWED] = { "not_allowed", false, EXIT_CLIENT, {
	    "Esta função está desativada neste serviço. Fale com o "
	    "administrador.",
	    "This service does not offer that. Ask the administrator.",
	    "Esta función está desactivada en este servicio. Consulte al "
	    "administrador." } },
	[FAILURE_THREAD_FULL] = { "thread_full", false, EXIT_CLIENT, {
	    "Já foram feitas perguntas demais sobre esta resposta. Peça "
	    "outra resposta e continue a partir dela.",
	    "Too many questions were asked about this answer. Get another "
	    "answer and go on from there.",
	    "Ya se hicieron demasiadas preguntas sobre esta respuesta. Pida "
	    "otra respuesta y siga a partir de ella." } },
	[FAILURE_ANSWER_CHANGED] = { "answer_changed", false, EXIT_CLIENT, {
	    "A resposta mudou enquanto você escrevia. Veja a resposta nova; "
	    "seu texto não foi salvo.",
	    "The answer changed while you were writing. Look at the new "
	    "answer; your text was not saved.",
	    "La respuesta cambió mientras usted escribía. Vea la respuesta "
	    "nueva; su texto no se guardó." } },
	[FAILURE_ANSWER_RUNNING] = { "answer_running", true, EXIT_CLIENT, {
	    "A IA está escrevendo uma resposta para este chamado. Espere ela "
	    "terminar e tente novamente.",
	    "The AI is writing an answer to this ticket. Wait until it has "
	    "finished and try again.",
	    "La IA está escribiendo una respuesta a este ticket. Espere a "
	    "que termine e inténtelo de nuevo." } },
	[FAILURE_RATE_LIMITED] = { "rate_limited", true, EXIT_CLIENT, {
	    "Foram pedidas respostas demais ou há páginas demais abertas. "
	    "Espere um pouco e tente novamente.",
	    "Too many answers were asked for, or too many pages are open. "
	    "Wait a while and try again.",
	    "Se pidieron demasiadas respuestas o hay demasiadas páginas "
	    "abiertas. Espere un poco e inténtelo de nuevo." } },
	[FAILURE_FILTER_FAILED] = { "filter_failed", true, EXIT_UPSTREAM, {
	    "Não foi possível preparar o texto para a IA. Tente novamente; se "
	    "o problema continuar, avise o administrador.",
	    "The text could not be prepared for the AI. Try again; if the "
	    "problem continues, tell the administrator.",
	    "No se pudo preparar el texto para la IA. Inténtelo de nuevo; si "
	    "el problema continúa, avise al administrador." } },
	[FAILURE_QUEUE_FULL] = { "queue_full", true, EXIT_UPSTREAM, {
	    "Há respostas demais na fila. Tente novamente em instantes.",
	    "Too many answers are waiting. Try again in a moment.",
	    "Hay demasiadas respuestas en la cola. Inténtelo de nuevo en un "
	    "momento." } },
	[FAILURE_STOPPED] = { "stopped", true, EXIT_UPSTREAM, {
	    "Alguém interrompeu esta resposta.",
	    "Somebody stopped this answer.",
	    "Alguien detuvo esta respuesta." } },
	[FAILURE_INTERRUPTED] = { "interrupted", true, EXIT_UPSTREAM, {
	    "A resposta foi interrompida por uma falha. Tente novamente.",
	    "A fault interrupted the answer. Try again.",
	    "La respuesta se interrumpió por un fallo. Inténtelo de nuevo." } },
	[FAILURE_SHUTTING_DOWN] = { "shutting_down", true, EXIT_UPSTREAM, {
	    "O serviço está sendo encerrado. Tente novamente em instantes.",
	    "The service is shutting down. Try again in a moment.",
	    "El servicio se está deteniendo. Inténtelo de nuevo en un "
	    "momento." } },
	[FAILURE_UPSTREAM_UNREACHABLE] = { "upstream_unreachable", true,
	    EXIT_UPSTREAM, {
	    "A IA está fora do ar. Avise o administrador.",
	    "The AI cannot be reached. Tell the administrator.",
	    "La IA no está disponible. Avise al administrador." } },
	[FAILURE_UPSTREAM_BUSY] = { "upstream_busy", true, EXIT_UPSTREAM, {
	    "A IA está ocupada. Tente novamente em instantes.",
	    "The AI is busy. Try again in a moment.",
	    "La IA está ocupada. Inténtelo de nuevo en un momento." } },
	[FAILURE_UPSTREAM_TIMEOUT] = { "upstream_timeout", true,
	    EXIT_UPSTREAM, {
	    "A IA não respondeu a tempo. Tente novamente.",
	    "The AI did not answer in time. Try again.",
	    "La IA no respondió a tiempo. Inténtelo de nuevo." } },
	[FAILURE_UPSTREAM_ERROR] = { "upstream_error", true, EXIT_UPSTREAM, {
	    "A IA falhou durante a resposta. Tente novamente; se o problema "
	    "continuar, avise o administrador.",
	    "The AI failed while answering. Try again; if the problem "
	    "continues, tell the administrator.",
	    "La IA falló mientras respondía. Inténtelo de nuevo; si el "
	    "problema continúa, avise al administrador." } },
	[FAILURE_UPSTREAM_INVALID] = { "upstream_invalid", true,
	    EXIT_UPSTREAM, {
	    "O serviço não entendeu o que a IA respondeu. Avise o "
	    "administrador.",
	    "The service did not understand the AI's reply. Tell the "
	    "administrator.",
	    "El servicio no entendió lo que respondió la IA. Avise al "
	    "administrador." } },
	[FAILURE_UPSTREAM_TRUNCATED] = { "upstream_truncated", true,
	    EXIT_UPSTREAM, {
	    "A resposta da IA chegou incompleta e não foi salva. Tente "
	    "novamente.",
	    "The AI's answer was cut off and not saved. Try again.",
	    "La respuesta de la IA llegó incompleta y no se guardó. "
	    "Inténtelo de nuevo." } },
	[FAILURE_EMPTY_ANSWER] = { "empty_answer", true, EXIT_UPSTREAM, {
	    "A IA não escreveu nada. Tente novamente.",
	    "The AI wrote nothing. Try again.",
	    "La IA no escribió nada. Inténtelo de nuevo." } },
	[FAILURE_UPSTREAM_REJECTED] = { "upstream_rejected", false,
	    EXIT_UPSTREAM, {
	    "A IA recusou o pedido (HTTP {}). Avise o administrador.",
	    "The AI refused the request (HTTP {}). Tell the administrator.",
	    "La IA rechazó la petición (HTTP {}). Avise al administrador." } },
	[FAILURE_MODEL_MISSING] = { "model_missing", false, EXIT_UPSTREAM, {
	    "O modelo {} não está instalado. Avise o administrador.",
	    "The model {} is not installed. Tell the administrator.",
	    "El modelo {} no está instalado. Avise al administrador." } },
	[FAILURE_PROMPT_TOO_LONG] = { "prompt_too_long", false,
	    EXIT_UPSTREAM, {
	    "O chamado é longo demais para a IA. Encurte o texto.",
	    "The ticket is too long for the AI. Shorten the text.",
	    "El ticket es demasiado largo para la IA. Acorte el texto." } },
	[FAILURE_ANSWER_TOO_LONG] = { "answer_too_long", false,
	    EXIT_UPSTREAM, {
	    "A resposta passou do limite de {} bytes e não foi salva.",
	    "The answer exceeded the limit of {} bytes and was not saved.",
	    "La respuesta superó el límite de {} bytes y no se guardó." } },
	[FAILURE_STORAGE] = { "storage", true, EXIT_SYSTEM, {
	    "Não foi possível ler ou salvar a resposta. Tente novamente; se o "
	    "problema continuar, avise o administrador.",
	    "The answer could not be read or saved. Try again; if the "
	    "problem continues, tell the administrator.",
	    "No se pudo leer o guardar la respuesta. Inténtelo de nuevo; si "
	    "el problema continúa, avise al administrador." } },
	[FAILURE_SCHEMA] = { "schema", false, EXIT_SETTINGS, {
	    "O serviço está sendo atualizado. Se o problema continuar, avise o "
	    "administrador.",
	    "The service is being upgraded. If the problem continues, tell "
	    "the administrator.",
	    "El servicio se está actualizando. Si el problema continúa, avise "
	    "al administrador." } },
	[FAILURE_INTERNAL] = { "internal", true, EXIT_SYSTEM, {
	    "Erro interno. Tente novamente; se o problema continuar, avise o "
	    "administrador.",
	    "Internal error. Try again; if the problem continues, tell the "
	    "administrator.",
	    "Error interno. Inténtelo de nuevo; si el problema continúa, avise "
	    "al administrador." } },
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

struct failure
failure_too_large(size_t max, enum failure_cause cause)
{
	struct failure	f;
	char		limit[32];

	(void)snprintf(limit, sizeof(limit), "%zu", max);
	f = failure_make(FAILURE_TOO_LARGE, limit);
	f.cause = cause;
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

/* Failures whose cause or detail has words of its own. */
static const struct {
	enum failure_code	 code;
	enum failure_cause	 cause;
	const char		*detail, *words[LANGUAGE__MAX];
} failure_special[] = {
	{ FAILURE_UPSTREAM_ERROR, FAILURE_USUAL,
	    FAILURE_MEMORY, {
	    "Falta memória para o modelo. Avise o administrador: um "
	    "modelo menor ou um num_ctx menor ajuda.",
	    "There is too little memory for the model. Tell the "
	    "administrator: a smaller model or num_ctx helps.",
	    "Falta memoria para el modelo. Avise al administrador: "
	    "ayuda un modelo o un num_ctx menor." } },
	{ FAILURE_UPSTREAM_UNREACHABLE, FAILURE_USUAL,
	    FAILURE_CERTIFICATE, {
	    "O certificado do servidor da IA não é confiável. Avise o "
	    "administrador.",
	    "The certificate of the AI's server is not trusted. Tell "
	    "the administrator.",
	    "El certificado del servidor de la IA no es de confianza. "
	    "Avise al administrador." } },
	{ FAILURE_BAD_REQUEST, FAILURE_MISSING, NULL, {
	    "O campo \"{}\" está faltando.",
	    "The field \"{}\" is missing.",
	    "Falta el campo \"{}\"." } },
	{ FAILURE_BAD_REQUEST, FAILURE_BLANK, NULL, {
	    "O campo \"{}\" está vazio.",
	    "The field \"{}\" is blank.",
	    "El campo \"{}\" está vacío." } },
	{ FAILURE_BAD_REQUEST, FAILURE_REPEATED, NULL, {
	    "O campo \"{}\" aparece mais de uma vez.",
	    "The field \"{}\" appears more than once.",
	    "El campo \"{}\" aparece más de una vez." } },
	{ FAILURE_BAD_REQUEST, FAILURE_TYPE, NULL, {
	    "O campo \"{}\" tem um valor do tipo errado.",
	    "The field \"{}\" has a value of the wrong type.",
	    "El campo \"{}\" tiene un valor de tipo incorrecto." } },
	{ FAILURE_BAD_REQUEST, FAILURE_USUAL, "version", {
	    "Este chamado não tem uma resposta com esse número.",
	    "This ticket has no answer with that number.",
	    "Este ticket no tiene una respuesta con ese número." } },
	{ FAILURE_BAD_REQUEST, FAILURE_USUAL, "session", {
	    "Este chamado não tem essa resposta.",
	    "This ticket does not have that answer.",
	    "Este ticket no tiene esa respuesta." } },
	{ FAILURE_BAD_REQUEST, FAILURE_USUAL, "instruction", {
	    "Uma instrução só vale com \"refresh\":true, para uma resposta "
	    "nova.",
	    "An instruction needs \"refresh\":true: it is for a new answer.",
	    "Una instrucción necesita \"refresh\":true: es para una "
	    "respuesta nueva." } },
	{ FAILURE_BAD_REQUEST, FAILURE_USUAL, "path", {
	    "Não há nada neste endereço.",
	    "There is nothing at this address.",
	    "No hay nada en esta dirección." } },
	{ FAILURE_BAD_REQUEST, FAILURE_USUAL, "method", {
	    "Este endereço não aceita esse método; o campo Allow diz quais "
	    "ele aceita.",
	    "This address does not take that method; the field Allow says "
	    "which ones it takes.",
	    "Esta dirección no acepta ese método; el campo Allow dice cuáles "
	    "acepta." } },
	{ FAILURE_BAD_TICKET_ID, FAILURE_USUAL, "ticket", {
	    "O parâmetro \"{}\" não é o número de um chamado, como em "
	    "?ticket=42.",
	    "The parameter \"{}\" is not a ticket's number, as in "
	    "?ticket=42.",
	    "El parámetro \"{}\" no es el número de un ticket, como en "
	    "?ticket=42." } },
	{ FAILURE_BAD_REQUEST, FAILURE_NUL, NULL, {
	    "O texto tem um caractere inválido (U+0000). Apague-o.",
	    "The text contains an invalid character (U+0000). Delete it.",
	    "El texto contiene un carácter no válido (U+0000). Bórrelo." } },
	{ FAILURE_TOO_LARGE, FAILURE_TEXT, NULL, {
	    "O texto é longo demais (limite: {} bytes).",
	    "The text is too long (limit: {} bytes).",
	    "El texto es demasiado largo (límite: {} bytes)." } },
	{ FAILURE_BAD_JSON, FAILURE_HALF_PAIR, NULL, {
	    "O texto tem um caractere inválido: metade de um emoji "
	    "(de U+D800 a U+DFFF). Em JavaScript, use "
	    "text.toWellFormed().",
	    "The text contains an invalid character: half of an emoji "
	    "(U+D800 to U+DFFF). In JavaScript, use "
	    "text.toWellFormed().",
	    "El texto contiene un carácter no válido: la mitad de un emoji "
	    "(de U+D800 a U+DFFF). En JavaScript, use "
	    "text.toWellFormed()." } },
	{ FAILURE_BAD_JSON, FAILURE_MANY_VALUES, NULL, {
	    "A mensagem tem mais de " LIMIT_TEXT(MESSAGE_TOKENS)
	    " valores JSON. Envie somente os campos do protocolo.",
	    "The message has more than " LIMIT_TEXT(MESSAGE_TOKENS)
	    " JSON values. Send only the fields of the protocol.",
	    "El mensaje tiene más de " LIMIT_TEXT(MESSAGE_TOKENS)
	    " valores JSON. Envíe solo los campos del protocolo." } },
};

const char *
failure_words(const struct failure *f, enum language language)
{
	size_t	i;

	for (i = 0; i < sizeof(failure_special) /
	    sizeof(failure_special[0]); i++) {
		if (f->code == failure_special[i].code &&
		    f->cause == failure_special[i].cause &&
		    (failure_special[i].detail == NULL ||
		    strcmp(f->detail, failure_special[i].detail) == 0))
			return failure_special[i].words[language];
	}
	return failure_message(f->code, language);
}
