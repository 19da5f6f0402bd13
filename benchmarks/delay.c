/* The ground truth: a server that answers fifty milliseconds after it has read a request, and says when it did what.
 *
 * delay PORT CERTIFICATE KEY: TLS 1.3 on 127.0.0.1, no session tickets, one request per connection.
 * `/d50?n=NUMBER` is answered after 50 ms; the body holds NUMBER and the readings of CLOCK_MONOTONIC, in nanoseconds, at
 * which the request had been read and the answer was about to be written. `/records` gives all of these lines since it
 * was last asked, without delay. Ends with 1 where the system will not.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 64, REQUEST = 2048, RECORDS = 1 << 17, LINE = 64 };
static const long long DELAY = 50000000, SECOND = 1000000000;

struct peer {
    int socket, shaken, asked;
    SSL *ssl;
    long long number, read;
    struct peer *next; /* in the queue of those whose answer is due: all wait equally long */
    char request[REQUEST + 1];
};

struct record {
    long long number, read, written;
};

static int epoll, timer, listener, kept;
static SSL_CTX *context;
static struct peer *first, *last;
static struct record records[RECORDS];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static long long now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * SECOND + at.tv_nsec;
}

static void watch(int socket, void *what, int how) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(epoll, how, socket, &event) < 0) fail("epoll_ctl");
}

static void drop(struct peer *peer) {
    SSL_free(peer->ssl);
    close(peer->socket);
    free(peer);
}

/* Have the timer ring when the first answer is due, or not at all. */
static void arm(void) {
    struct itimerspec when = {0};
    if (first) {
        long long due = first->read + DELAY;
        when.it_value = (struct timespec){.tv_sec = due / SECOND, .tv_nsec = due % SECOND};
    }
    if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL) < 0) fail("timerfd_settime");
}

static void answer(struct peer *peer, const char *body, int size) {
    char head[256];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
                          size);
    char *whole = malloc(length + size);
    memcpy(whole, head, length);
    memcpy(whole + length, body, size);
    int taken = SSL_write(peer->ssl, whole, length + size);
    free(whole);
    if (taken > 0) SSL_shutdown(peer->ssl);
    shutdown(peer->socket, SHUT_WR); /* the rest of the goodbye is the client's: it closes, and we hear of it */
}

static void answer_due(void) {
    unsigned long long rings;
    if (read(timer, &rings, sizeof rings) < 0 && errno != EAGAIN) fail("timerfd");
    while (first && first->read + DELAY <= now()) {
        struct peer *peer = first;
        char body[LINE * 2];
        first = peer->next;
        if (!first) last = NULL;
        long long written = now();
        if (kept < RECORDS) records[kept++] = (struct record){peer->number, peer->read, written};
        int size = snprintf(body, sizeof body, "%lld %lld %lld\n", peer->number, peer->read, written);
        answer(peer, body, size);
    }
    arm();
}

static void answer_records(struct peer *peer) {
    char *body = malloc((size_t)kept * LINE + 1);
    int size = 0;
    for (int i = 0; i < kept; i++)
        size += sprintf(body + size, "%lld %lld %lld\n", records[i].number, records[i].read, records[i].written);
    kept = 0;
    fcntl(peer->socket, F_SETFL, 0); /* they may not fit into the socket at once: this one write may wait */
    answer(peer, body, size);
    fcntl(peer->socket, F_SETFL, O_NONBLOCK);
    free(body);
}

/* Return whether it is nothing that is served here. */
static int requested(struct peer *peer, long long at) {
    peer->asked = 1;
    if (!strncmp(peer->request, "GET /records ", 13)) {
        answer_records(peer);
        return 0;
    }
    peer->read = at;
    if (sscanf(peer->request, "GET /d50?n=%lld ", &peer->number) != 1) return 1;
    peer->next = NULL;
    if (last) {
        last->next = peer;
        last = peer;
    } else {
        first = last = peer;
        arm();
    }
    return 0;
}

/* Return whether the peer is gone, or says what no peer of ours says. */
static int hear(struct peer *peer) {
    static char rest[REQUEST];
    if (!peer->shaken) {
        int done = SSL_do_handshake(peer->ssl);
        if (done != 1) return SSL_get_error(peer->ssl, done) != SSL_ERROR_WANT_READ;
        peer->shaken = 1;
    }
    for (;;) {
        size_t have = peer->asked ? 0 : strlen(peer->request);
        char *into = peer->asked ? rest : peer->request + have;
        int got = SSL_read(peer->ssl, into, (int)(REQUEST - have));
        if (got <= 0) return SSL_get_error(peer->ssl, got) != SSL_ERROR_WANT_READ;
        if (peer->asked) continue;
        long long at = now();
        into[got] = 0;
        int whole = strstr(peer->request, "\r\n\r\n") != NULL;
        if (whole ? requested(peer, at) : have + (size_t)got == REQUEST) return 1;
    }
}

static void forget(struct peer *peer) {
    struct peer **at = &first, *before = NULL;
    while (*at && *at != peer) before = *at, at = &(*at)->next;
    if (*at) {
        *at = peer->next;
        if (last == peer) last = before;
        arm();
    }
    drop(peer);
}

static void welcome(void) {
    int socket, on = 1;
    while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *peer = calloc(1, sizeof *peer);
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        peer->socket = socket;
        peer->ssl = SSL_new(context);
        SSL_set_fd(peer->ssl, socket);
        SSL_set_accept_state(peer->ssl);
        watch(socket, peer, EPOLL_CTL_ADD);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) fail("accept");
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int on = 1;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN);
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_num_tickets(context, 0);
    if (SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1) return 1;
    if (SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) return 1;
    if ((listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) < 0) fail("bind");
    if (listen(listener, 1024) < 0) fail("listen");
    if ((timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) < 0) fail("timerfd_create");
    if ((epoll = epoll_create1(0)) < 0) fail("epoll_create1");
    watch(listener, &listener, EPOLL_CTL_ADD);
    watch(timer, &timer, EPOLL_CTL_ADD);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr == &listener) welcome();
            else if (events[i].data.ptr == &timer) answer_due();
            else if (hear(events[i].data.ptr)) forget(events[i].data.ptr);
        }
    }
}
