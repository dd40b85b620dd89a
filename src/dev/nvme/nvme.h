/* SPDX-License-Identifier: MIT */
/*
 * nvme: what the files of the controller share
 *
 *   BAR0 --poll--> nvme.c ------> queue.c --fetch--> admin.c --> identify.c
 *   registers,     enable,          |                  |         features.c
 *   doorbells      reset, shutdown  |                  |         log.c
 *                                   '--------------> io.c --> backing.c (file)
 *                        post.c <--complete-- both ---'  '--> sync.c (threads)
 *                           '----> data.c (PRP, SGL, DMA) <---'
 *
 * The words and numbers are those of NVM Express 1.4. Structures of the wire are
 * little endian, as are the machines that this runs on.
 *
 * Locks: none but those of sync.c. The caller has one around every op
 * (ioas/dev/model.h).
 */
#ifndef IOAS_DEV_NVME_H
#define IOAS_DEV_NVME_H

#include <ioas/dev/model.h>
#include <pthread.h>

#define NVME_PAGE 4096u
#define NVME_PAGE_LG2 12u
/* Pairs of queues besides the admin queues; each may have its own vector. */
#define NVME_IO_QUEUES 64u
#define NVME_QUEUES (NVME_IO_QUEUES + 1u)
#define NVME_VECTORS NVME_QUEUES
/* Entries of a queue. */
#define NVME_ENTRIES_MAX 1024u
/* Bytes that one command may transfer: 2^6 pages. */
#define NVME_MDTS 6u
#define NVME_BYTES_MAX (NVME_PAGE << NVME_MDTS)
/* Scattered pieces of them; and descriptors, segments, that describe them. */
#define NVME_PIECES 1024u
#define NVME_DESCRIPTORS 4096u
#define NVME_SEGMENTS 64u
/* Entries fetched at once. */
#define NVME_FETCH 32u
/* Completions that go out at once; bytes that are enough to send them. */
#define NVME_POSTS 32u
#define NVME_POST_BYTES (128u << 10)
/*
 * What a poll may cost, about; a unit is a byte copied, or a nanosecond. A
 * command costs as much as its bytes, and this much more; so does a segment of a
 * list. On a file that is slow the time counts that this does not pay for.
 */
#define NVME_POLL_COST (256u << 10)
#define NVME_COMMAND_COST 4096u
#define NVME_NAMESPACES 16u
#define NVME_EVENTS 4u
#define NVME_ERRORS 64u
#define NVME_RANGES 256u
#define NVME_BROADCAST 0xffffffffu
/* Kelvin; where we say that it is too warm, and far too warm. */
#define NVME_TEMPERATURE 313u
#define NVME_WARM 343u
#define NVME_HOT 353u

/* Status as in bits 15:1 of a completion: code, type << 8. */
enum nvme_status {
	NVME_OK = 0,
	NVME_INVALID_OPCODE = 0x001,
	NVME_INVALID_FIELD = 0x002,
	NVME_TRANSFER_ERROR = 0x004,
	NVME_INTERNAL_ERROR = 0x006,
	NVME_ABORT_REQUESTED = 0x007,
	NVME_ABORT_QUEUE = 0x008,
	NVME_INVALID_NAMESPACE = 0x00b,
	NVME_SEQUENCE_ERROR = 0x00c,
	NVME_SGL_SEGMENT = 0x00d,
	NVME_SGL_NUMBER = 0x00e,
	NVME_SGL_LENGTH = 0x00f,
	NVME_SGL_TYPE = 0x011,
	NVME_PRP_OFFSET = 0x013,
	NVME_WRITE_PROTECTED = 0x020,
	NVME_LBA_RANGE = 0x080,
	NVME_CAPACITY = 0x081,
	NVME_QUEUE_CQ = 0x100,
	NVME_QUEUE_ID = 0x101,
	NVME_QUEUE_SIZE = 0x102,
	NVME_EVENT_LIMIT = 0x105,
	NVME_VECTOR = 0x108,
	NVME_LOG_PAGE = 0x109,
	NVME_QUEUE_DELETION = 0x10c,
	NVME_NOT_SAVEABLE = 0x10d,
	NVME_NOT_CHANGEABLE = 0x10e,
	NVME_NOT_OF_NAMESPACE = 0x10f,
	NVME_WRITE_FAULT = 0x280,
	NVME_READ_ERROR = 0x281,
	NVME_COMPARE_FAILURE = 0x285,
	/* There is an entry in the error log; do not retry. */
	NVME_MORE = 0x2000,
	NVME_DNR = 0x4000,
	/* Not statuses: it is completed later; it has been completed. */
	NVME_PENDING = 0x8000,
	NVME_POSTED = 0x8001,
};

struct nvme_sqe {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	/* Or an SGL descriptor. */
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};
_Static_assert(sizeof(struct nvme_sqe) == 64, "submission queue entry");

struct nvme_cqe {
	uint32_t dw0;
	uint32_t dw1;
	uint16_t sq_head;
	uint16_t sqid;
	uint16_t cid;
	/* Bit 0 is the phase. */
	uint16_t status;
};
_Static_assert(sizeof(struct nvme_cqe) == 16, "completion queue entry");

struct nvme_range {
	uint32_t attributes;
	uint32_t blocks;
	uint64_t lba;
};
_Static_assert(sizeof(struct nvme_range) == 16, "range to be deallocated");

struct nvme_error {
	uint64_t count;
	uint16_t sqid;
	uint16_t cid;
	uint16_t status;
	uint16_t location;
	uint64_t lba;
	uint32_t nsid;
	uint8_t vendor;
	uint8_t transport;
	uint16_t reserved;
	uint64_t specific;
	uint8_t more[24];
};
_Static_assert(sizeof(struct nvme_error) == 64, "entry of the error log");

/* A command, copied from its queue. */
struct nvme_cmd {
	struct nvme_sqe sqe;
	uint16_t sqid;
	/* Dword 0 of the completion. */
	uint32_t result;
};

/* A sync that is waited for, of files with a bit in @files; see sync.c. */
struct nvme_wait {
	uint32_t files;
	uint64_t ticket[NVME_NAMESPACES];
};

/* What takes more than one poll: one command of a queue. */
struct nvme_job {
	bool active;
	/* Nothing left but to complete it. */
	bool done;
	uint16_t status;
	struct nvme_cmd cmd;
	/* Zeroes and verify: blocks left, from where. */
	uint64_t lba;
	uint64_t left;
	/* Deallocation: ranges, and which is next; its blocks that are done. */
	struct nvme_range *range;
	unsigned int nr_ranges;
	unsigned int next;
	uint32_t blocks;
	/* Of no files: it is no sync. */
	struct nvme_wait sync;
};

/* A completion that was not written yet: to @at, and n->piece up to @end. */
struct nvme_post {
	struct nvme_cmd cmd;
	struct nvme_cqe cqe;
	uint64_t at;
	size_t end;
};

struct nvme_sq {
	bool live;
	uint16_t id;
	uint16_t cqid;
	uint32_t size;
	uint64_t base;
	uint32_t head;
	uint32_t tail;
	/* Fetched, not begun: [held_first, held_end). */
	struct nvme_sqe held[NVME_FETCH];
	unsigned int held_first;
	unsigned int held_end;
	struct nvme_job job;
};

struct nvme_cq {
	bool live;
	bool interrupts;
	uint16_t id;
	uint16_t vector;
	uint32_t size;
	uint64_t base;
	uint32_t head;
	uint32_t tail;
	uint16_t phase;
	/* Submission queues that complete here. */
	unsigned int nr_sqs;
};

/* Of a file; see sync.c. */
struct nvme_sync {
	/* Of the polling thread. */
	bool running;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	bool asked;
	/* Numbers of syncs. */
	uint64_t begun;
	uint64_t ended;
	/* The last one that failed, and how; 0: none. */
	uint64_t failed;
	int error;
	/* Nobody has been told of it. */
	bool untold;
};

struct nvme_ns {
	int fd;
	bool read_only;
	/* What the file system cannot do; found out once. */
	bool no_zero_range;
	bool no_punch;
	uint8_t block_lg2;
	uint64_t blocks;
	/*
	 * All of it, to be read by DMA alone, as the file may be cut; NULL: it
	 * cannot be mapped.
	 */
	uint8_t *map;
	uint8_t guid[16];
	struct nvme_sync sync;
};

struct nvme_features {
	uint32_t arbitration;
	uint32_t over;
	uint32_t under;
	uint32_t recovery[NVME_NAMESPACES];
	bool cache;
	/* Given out, each 1 to NVME_IO_QUEUES. */
	uint16_t nr_sqs;
	uint16_t nr_cqs;
	uint32_t coalescing;
	bool uncoalesced[NVME_VECTORS];
	uint32_t atomicity;
	uint32_t events;
};

/* Kinds of asynchronous events: each is told once until its log was read. */
enum nvme_event {
	NVME_EVENT_ERROR,
	NVME_EVENT_HEALTH,
	NVME_EVENT_KINDS,
};

struct nvme_events {
	/* Commands that wait for events. */
	uint16_t cid[NVME_EVENTS];
	unsigned int nr;
	bool pending[NVME_EVENT_KINDS];
	bool masked[NVME_EVENT_KINDS];
	uint8_t info[NVME_EVENT_KINDS];
};

struct nvme_counters {
	/* Units of 512 bytes, commands. */
	uint64_t read_units;
	uint64_t write_units;
	uint64_t reads;
	uint64_t writes;
	uint64_t media_errors;
	uint64_t errors;
	uint64_t unsafe_shutdowns;
	uint64_t power_cycles;
	/* Since when the device is on. */
	uint64_t since;
};

struct nvme {
	struct ioas_function *f;
	/* Set once. */
	struct nvme_ns ns[NVME_NAMESPACES];
	unsigned int nr_ns;
	char serial[21];
	uint64_t cmb_size;
	uint8_t *cmb;

	/* BAR0, as the driver maps it, and what we showed there. */
	volatile uint32_t *bar;
	uint32_t cc;
	uint32_t csts;
	uint32_t intm;
	uint64_t cmbmsc;
	/* Until this has been done the shutdown goes on; of no files: none does. */
	struct nvme_wait shutdown;
	/* The next doorbell to look at that belongs to no queue. */
	unsigned int scan;

	bool bus_master;
	/* No queue of this id or above was created. */
	unsigned int top;
	/* The next queue to serve first. */
	unsigned int turn;
	struct nvme_sq sq[NVME_QUEUES];
	struct nvme_cq cq[NVME_QUEUES];
	/* Vectors to be signalled at the end of this poll. */
	uint64_t vectors[(NVME_VECTORS + 63u) / 64u];

	struct nvme_features features;
	struct nvme_events events;
	struct nvme_counters counters;
	/* Newest at errors % NVME_ERRORS. */
	struct nvme_error error[NVME_ERRORS];

	/*
	 * Data of a command: NVME_BYTES_MAX behind what waits in the store (see
	 * post.c), @length of them mapped. Where in the driver's memory that is:
	 * the pieces behind @nr_out.
	 */
	uint8_t *store;
	uint8_t *buffer;
	uint8_t *compare;
	size_t length;
	struct ioas_dma_piece piece[2u * (NVME_PIECES + NVME_POSTS)];
	size_t nr_pieces;
	size_t nr_out;
	/* The last DMA that failed: memory was gone, ours perhaps (mapped). */
	bool dma_gone;
	struct nvme_post post[NVME_POSTS];
	size_t nr_posts;
	/* So many are sent at once: 1 to NVME_POSTS, as files are fast (post.c). */
	size_t gather;

	/* Of this poll so far. */
	size_t cost;
};

/* ---- queue.c ------------------------------------------------------------ */

/* Serve queues. Return: something was done. */
bool ioas_nvme_queues_poll(struct nvme *n);
/* Look at doorbells. */
bool ioas_nvme_doorbells_poll(struct nvme *n);
/* Of the time since @since, as much as @paid has been counted already. */
void ioas_nvme_charge(struct nvme *n, uint64_t since, size_t paid);
void ioas_nvme_queues_reset(struct nvme *n);
void ioas_nvme_sq_create(struct nvme *n, uint16_t id, uint16_t cqid,
			 uint32_t size, uint64_t base);
void ioas_nvme_cq_create(struct nvme *n, uint16_t id, uint32_t size,
			 uint64_t base, int vector);
/* Commands in flight are completed as aborted where the CQ has room. */
void ioas_nvme_sq_delete(struct nvme *n, struct nvme_sq *sq);
void ioas_nvme_cq_delete(struct nvme *n, struct nvme_cq *cq);
void ioas_nvme_job_free(struct nvme_job *job);

/* ---- post.c ------------------------------------------------------------- */

bool ioas_nvme_cq_room(const struct nvme_cq *cq);
/*
 * Complete @cmd with @status, behind what was mapped for it if @data. There is
 * room in the queue. It is written by the next flush, or before.
 */
void ioas_nvme_complete(struct nvme *n, const struct nvme_cmd *cmd,
			uint16_t status, bool data);
void ioas_nvme_posts_flush(struct nvme *n);
void ioas_nvme_posts_drop(struct nvme *n);

/* ---- nvme.c ------------------------------------------------------------- */

/* The controller stops until it is reset, and says so (CSTS.CFS). */
void ioas_nvme_fatal(struct nvme *n);
bool ioas_nvme_is_fatal(const struct nvme *n);

/* ---- data.c ------------------------------------------------------------- */

/*
 * Where @length bytes of @cmd are, in n->piece behind what waits; they are those
 * of n->buffer.
 * Return: NVME_OK or a status.
 */
uint16_t ioas_nvme_data_map(struct nvme *n, const struct nvme_cmd *cmd,
			    size_t length, bool to_host);
/* Copy what was mapped from the driver's memory. */
uint16_t ioas_nvme_data_fetch(struct nvme *n);
/*
 * DMA, to memory or the controller's own. *@good, which may be NULL: pieces
 * before the one that failed, all copied.
 */
bool ioas_nvme_dma(struct nvme *n, bool write,
		   const struct ioas_dma_piece *piece, size_t nr, size_t *good);
/* Some addresses are those of the controller's own memory. */
bool ioas_nvme_cmb_on(const struct nvme *n);
/* Whether CMBMSC names a range that cannot be. */
bool ioas_nvme_cmb_wraps(const struct nvme *n);

/* ---- admin.c, identify.c, features.c, log.c ----------------------------- */

uint16_t ioas_nvme_admin(struct nvme *n, struct nvme_cmd *cmd);
/* Map and send the first @length bytes of n->buffer, and complete. */
uint16_t ioas_nvme_send(struct nvme *n, const struct nvme_cmd *cmd,
			size_t length);
uint16_t ioas_nvme_identify(struct nvme *n, struct nvme_cmd *cmd);
uint16_t ioas_nvme_get_features(struct nvme *n, struct nvme_cmd *cmd);
uint16_t ioas_nvme_set_features(struct nvme *n, struct nvme_cmd *cmd);
void ioas_nvme_features_reset(struct nvme *n);
uint16_t ioas_nvme_get_log(struct nvme *n, struct nvme_cmd *cmd);
/* The temperature is beyond a threshold. */
bool ioas_nvme_too_warm(const struct nvme *n);
/* Enter an error of @cmd, or without one, in the log. */
void ioas_nvme_log_error(struct nvme *n, const struct nvme_cmd *cmd,
			 uint16_t status);
void ioas_nvme_event(struct nvme *n, enum nvme_event kind, uint8_t info);
/* Tell what is pending, to commands that wait. Return: one was told. */
bool ioas_nvme_events_poll(struct nvme *n);

/* ---- io.c --------------------------------------------------------------- */

uint16_t ioas_nvme_io(struct nvme *n, struct nvme_sq *sq,
		      struct nvme_cmd *cmd);
/* A step of the job of @sq. Return: what it cost; 0: it waits. */
size_t ioas_nvme_job_step(struct nvme *n, struct nvme_sq *sq);

/* ---- sync.c ------------------------------------------------------------- */

void ioas_nvme_sync_init(struct nvme *n);
/* Waits for syncs that go on. */
void ioas_nvme_sync_fini(struct nvme *n);
/* Those files that @nsid names, of which there is something to sync. */
uint32_t ioas_nvme_sync_files(const struct nvme *n, uint32_t nsid);
/* Let what was written to @files so far last; it is waited for with @w. */
void ioas_nvme_sync_begin(struct nvme *n, uint32_t files, struct nvme_wait *w);
/* Does it by now, or has it failed? */
bool ioas_nvme_sync_done(struct nvme *n, const struct nvme_wait *w);
/* Which: 0 or -errno. The driver hears of it now, and it is not kept for others. */
int ioas_nvme_sync_tell(struct nvme *n, const struct nvme_wait *w);
/* @cmd is completed after that; other queues go on. NVME_OK: it can be now. */
uint16_t ioas_nvme_sync_job(struct nvme *n, struct nvme_sq *sq,
			    const struct nvme_cmd *cmd, uint32_t files);

/* ---- backing.c ---------------------------------------------------------- */

int ioas_nvme_backing_open(struct nvme *n,
			   const struct ioas_model_setting *settings,
			   size_t nr, char *why, size_t room);
void ioas_nvme_backing_close(struct nvme *n);
/* 0 or -errno; all or an error. */
int ioas_nvme_backing_read(struct nvme_ns *ns, void *data, uint64_t offset,
			   size_t length);
int ioas_nvme_backing_write(struct nvme_ns *ns, const void *data,
			    uint64_t offset, size_t length);
/* What a read that came to @rc is for the driver; media errors are counted. */
uint16_t ioas_nvme_read_status(struct nvme *n, int rc);
int ioas_nvme_backing_sync(struct nvme_ns *ns);
/*
 * Make it read as zeroes at once, and free what it takes if @punch. Return:
 * -EOPNOTSUPP if the file cannot do so.
 */
int ioas_nvme_backing_zero(struct nvme_ns *ns, uint64_t offset,
			   uint64_t length, bool punch);

#endif
