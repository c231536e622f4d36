package vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.avro.message.BinaryMessageEncoder;

/** What Java makes of values: given a schema and a value in Avro's JSON, the bytes; and what another schema reads in them. */
final class Avro {
    private static final ObjectMapper JSON = new ObjectMapper();

    static List<Map<String, Object>> vectors(File cases) throws IOException {
        List<Map<String, Object>> vectors = new ArrayList<>();
        for (JsonNode given : JSON.readTree(cases)) vectors.add(vector(given));
        return vectors;
    }

    private static Map<String, Object> vector(JsonNode given) throws IOException {
        Schema schema = new Schema.Parser().parse(given.get("schema").toString());
        Object value = new GenericDatumReader<>(schema)
            .read(null, DecoderFactory.get().jsonDecoder(schema, given.get("value").toString()));
        ByteArrayOutputStream plain = new ByteArrayOutputStream();
        write(schema, value, EncoderFactory.get().directBinaryEncoder(plain, null));
        ByteArrayOutputStream blocks = new ByteArrayOutputStream();
        write(schema, value, new EncoderFactory().configureBlockSize(64).blockingBinaryEncoder(blocks, null));
        ByteBuffer message = new BinaryMessageEncoder<>(GenericData.get(), schema).encode(value);

        Map<String, Object> vector = new LinkedHashMap<>();
        vector.put("name", given.get("name"));
        vector.put("schema", given.get("schema"));
        vector.put("value", given.get("value"));
        vector.put("canonical", SchemaNormalization.toParsingForm(schema));
        vector.put("hex", hex(plain.toByteArray()));
        vector.put("blocksHex", hex(blocks.toByteArray()));
        vector.put("singleObjectHex", hex(message));
        if (given.has("reader")) {
            Schema reader = new Schema.Parser().parse(given.get("reader").toString());
            Object read = new GenericDatumReader<>(schema, reader)
                .read(null, DecoderFactory.get().binaryDecoder(plain.toByteArray(), null));
            vector.put("reader", given.get("reader"));
            vector.put("read", json(reader, read));
        }
        return vector;
    }

    private static void write(Schema schema, Object value, Encoder encoder) throws IOException {
        new GenericDatumWriter<>(schema).write(value, encoder);
        encoder.flush();
    }

    private static JsonNode json(Schema schema, Object value) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, text);
        write(schema, value, encoder);
        return JSON.readTree(text.toByteArray());
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return hex(bytes);
    }
}
