/*
 * Function words, greetings, and what every ticket says, in byte order.
 */
#include <stdlib.h>
#include <string.h>

#include "knowledge/stop.h"

static const char *const	stop_words[] = {
	"a", "abs", "again", "agora", "ahora", "ai", "ainda", "ajuda",
	"ajudar", "al", "alguem", "algum", "alguma", "ali", "all", "also",
	"am", "amanha", "an", "and", "antes", "any", "anyone", "anything",
	"ao", "aos", "aquela", "aquele", "aqui", "aquilo", "are", "as", "at",
	"ate", "att", "ayer", "be", "been", "being", "boa", "bom", "but", "by",
	"cada", "can", "com", "como", "con", "consegue", "consigo", "could",
	"cual", "cuando", "da", "das", "de", "dear", "del", "dela", "dele",
	"depois", "desde", "dia", "did", "diz", "do", "does", "donde", "done",
	"dos", "down", "e", "each", "el", "ela", "elas", "ele", "eles", "em",
	"entre", "era", "es", "esa", "ese", "eso", "essa", "esse", "esta",
	"estan", "estao", "estar", "este", "esto", "estou", "eu", "every",
	"everything", "faco", "favor", "faz", "fazendo", "fazer", "fica",
	"ficar", "ficou", "foi", "for", "from", "fue", "gente", "get",
	"gostaria", "got", "gracias", "grata", "grato", "ha", "hace", "had",
	"hago", "han", "has", "have", "haver", "hay", "he", "hello", "help",
	"her", "here", "hi", "his", "hoje", "hola", "how", "hoy", "i", "if",
	"in", "into", "is", "isso", "isto", "it", "its", "ja", "just", "la",
	"las", "le", "les", "less", "lhe", "lo", "los", "mais", "mas", "may",
	"me", "menos", "mesmo", "meu", "meus", "mi", "might", "mine", "minha",
	"minhas", "mis", "more", "most", "muita", "muito", "must", "muy", "my",
	"na", "nada", "nao", "nas", "necesito", "need", "nem", "ni", "ninguem",
	"no", "noite", "nos", "nossa", "nosso", "not", "nothing", "now",
	"nunca", "o", "obrigada", "obrigado", "of", "oi", "ola", "on", "onde",
	"only", "ontem", "or", "os", "ou", "our", "out", "outra", "outro",
	"over", "para", "pela", "pelas", "pelo", "pelos", "pero", "pessoal",
	"please", "pode", "podem", "poder", "pois", "por", "porque", "posso",
	"pouco", "pra", "precisa", "precisamos", "preciso", "pro", "puede",
	"puedo", "quais", "qual", "quando", "que", "quem", "queria", "quero",
	"quien", "regards", "saludos", "sao", "se", "sem", "sempre", "ser",
	"seu", "seus", "she", "should", "si", "siempre", "sim", "sin", "since",
	"so", "sob", "sobre", "socorro", "some", "someone", "son", "still",
	"su", "sua", "suas", "sus", "ta", "tambem", "tambien", "tarde", "tbm",
	"te", "tem", "tengo", "tenho", "ter", "than", "thank", "thanks",
	"that", "the", "their", "them", "then", "there", "these", "they",
	"this", "those", "thx", "tiene", "tinha", "to", "toda", "today",
	"todo", "todos", "tomorrow", "too", "tu", "tudo", "tus", "um", "uma",
	"umas", "un", "una", "unas", "unos", "uns", "up", "urgente", "us",
	"vai", "vao", "very", "vez", "vezes", "voce", "voces", "vos", "vou",
	"want", "was", "we", "were", "what", "when", "where", "which", "who",
	"why", "will", "with", "without", "would", "y", "ya", "yesterday",
	"you", "your",
};

static int
stop_compare(const void *word, const void *entry)
{
	return strcmp(word, *(const char *const *)entry);
}

bool
stop_has(const char *word, size_t len)
{
	return len > 0 && bsearch(word, stop_words, sizeof(stop_words) /
	    sizeof(stop_words[0]), sizeof(stop_words[0]), stop_compare) != NULL;
}
