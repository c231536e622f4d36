package vectors;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.ControlRecordType;
import org.apache.kafka.common.record.DefaultRecordBatch;
import org.apache.kafka.common.record.EndTransactionMarker;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.record.TimestampType;

/** Batches of the Java client, each with what the Java client itself reads in it. */
final class Batches {
    private static final int LONGEST_SHOWN = 1000;
    private static final long TIME = 1_700_000_000_000L;

    static List<Map<String, Object>> vectors() {
        List<Map<String, Object>> vectors = new ArrayList<>();
        for (CompressionType type : CompressionType.values()) {
            Compression codec = Compression.of(type).build();
            vectors.add(described(type.name + ", mixed records", MemoryRecords.withRecords(1000L, codec, mixed())));
            vectors.add(described(type.name + ", idempotent and transactional",
                MemoryRecords.withTransactionalRecords(codec, 4_000_000_000L, (short) 7, 2_000_000_000, mixed())));
            // More than the megabyte that a zstd reader may guess when the frame tells no size; many blocks of the others.
            if (type != CompressionType.NONE) {
                vectors.add(described(type.name + ", 1.2 MB unpacked", MemoryRecords.withRecords(0L, codec, large(12))));
            }
            vectors.add(described(type.name + ", log append time", MemoryRecords.withRecords(
                RecordBatch.MAGIC_VALUE_V2, 5L, codec, TimestampType.LOG_APPEND_TIME, mixed())));
            vectors.add(described(type.name + ", gaps in the offsets", gaps(codec)));
        }
        vectors.add(described("commit marker", marker(ControlRecordType.COMMIT)));
        vectors.add(described("abort marker", marker(ControlRecordType.ABORT)));
        vectors.add(described("no records left by compaction", empty()));
        vectors.add(described("no timestamp", MemoryRecords.withRecords(
            0L, Compression.NONE, new SimpleRecord(RecordBatch.NO_TIMESTAMP, bytes("k"), bytes("v")))));
        vectors.add(described("base offset above 2^32", MemoryRecords.withRecords(
            123_456_789_012_345L, Compression.NONE, mixed())));
        return vectors;
    }

    static Map<String, Object> described(String name, String hex) {
        return described(name, MemoryRecords.readableRecords(ByteBuffer.wrap(HexFormat.of().parseHex(hex))));
    }

    private static Map<String, Object> described(String name, MemoryRecords records) {
        RecordBatch batch = records.batches().iterator().next();
        batch.ensureValid();
        if (batch.sizeInBytes() != records.sizeInBytes()) throw new IllegalStateException(name + ": more than one batch");
        Map<String, Object> vector = new LinkedHashMap<>();
        vector.put("name", name);
        vector.put("compression", batch.compressionType().name);
        vector.put("baseOffset", batch.baseOffset());
        vector.put("nextOffset", batch.nextOffset());
        vector.put("maxTimestamp", batch.maxTimestamp());
        vector.put("producerId", batch.producerId());
        vector.put("producerEpoch", batch.producerEpoch());
        vector.put("baseSequence", batch.baseSequence());
        vector.put("isTransactional", batch.isTransactional());
        vector.put("isControl", batch.isControlBatch());
        vector.put("logAppendTime", batch.timestampType() == TimestampType.LOG_APPEND_TIME);
        List<Map<String, Object>> all = new ArrayList<>();
        for (Record record : batch) all.add(described(record));
        vector.put("records", all);
        ByteBuffer buffer = records.buffer();
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        vector.put("hex", HexFormat.of().formatHex(bytes));
        return vector;
    }

    private static Map<String, Object> described(Record record) {
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("offset", record.offset());
        described.put("timestamp", record.timestamp());
        described.put("key", hex(record.key()));
        described.put("value", hex(record.value()));
        if (record.headers().length == 0) return described;
        List<List<Object>> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            List<Object> pair = new ArrayList<>();
            pair.add(header.key());
            pair.add(header.value() == null ? null : HexFormat.of().formatHex(header.value()));
            headers.add(pair);
        }
        described.put("headers", headers);
        return described;
    }

    private static SimpleRecord[] mixed() {
        return new SimpleRecord[] {
            new SimpleRecord(TIME, bytes("key"), bytes("value")),
            new SimpleRecord(TIME + 1, null, bytes("no key")),
            new SimpleRecord(TIME - 1, bytes("tombstone"), null),
            new SimpleRecord(TIME + 5_000_000_000L, null, (byte[]) null),
            new SimpleRecord(TIME - 5_000_000_000L, bytes(""), bytes("")),
            new SimpleRecord(TIME, bytes("ключ 鍵 🔑"), bytes("wert é ".repeat(40))),
            new SimpleRecord(TIME, bytes("k"), bytes("with headers"), new Header[] {
                new RecordHeader("v", bytes("2")), new RecordHeader("nothing", null),
                new RecordHeader("empty", new byte[0]), new RecordHeader("имя", bytes("значение"))}),
        };
    }

    private static SimpleRecord[] large(int count) {
        SimpleRecord[] records = new SimpleRecord[count];
        for (int i = 0; i < count; i++) {
            records[i] = new SimpleRecord(TIME + i, bytes("k" + i), bytes(("row " + i + " ").repeat(16_000)));
        }
        return records;
    }

    private static MemoryRecords gaps(Compression codec) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(
            ByteBuffer.allocate(1024), RecordBatch.MAGIC_VALUE_V2, codec, TimestampType.CREATE_TIME, 100L);
        for (long offset : new long[] {100, 103, 104, 5000}) {
            builder.appendWithOffset(offset, TIME + offset, bytes("k" + offset), bytes("v" + offset));
        }
        builder.overrideLastOffset(6000);
        return builder.build();
    }

    private static MemoryRecords marker(ControlRecordType type) {
        return MemoryRecords.withEndTransactionMarker(TIME, 4_000_000_000L, (short) 7, new EndTransactionMarker(type, 0));
    }

    private static MemoryRecords empty() {
        ByteBuffer buffer = ByteBuffer.allocate(DefaultRecordBatch.RECORD_BATCH_OVERHEAD);
        DefaultRecordBatch.writeEmptyHeader(buffer, RecordBatch.MAGIC_VALUE_V2, 9L, (short) 1, 20, 40L, 49L, -1,
            TimestampType.CREATE_TIME, TIME, true, false);
        buffer.flip();
        return MemoryRecords.readableRecords(buffer);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Long content as its digest, to keep the vectors small. */
    private static String hex(ByteBuffer buffer) {
        if (buffer == null) return null;
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        if (bytes.length <= LONGEST_SHOWN) return HexFormat.of().formatHex(bytes);
        try {
            return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
