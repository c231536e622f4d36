package vectors;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.DoubleSerializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serializer;

/** Numbers as the serializers of kafka-clients write them. */
final class Numbers {
    static List<Map<String, Object>> vectors() {
        List<Map<String, Object>> vectors = new ArrayList<>();
        for (int value : new int[] {0, 1, -1, 258, Integer.MAX_VALUE, Integer.MIN_VALUE})
            add(vectors, "integer", value, new IntegerSerializer());
        long safe = (1L << 53) - 1;
        for (long value : new long[] {0, 1, -1, 1L << 32, -(1L << 32), safe, -safe, safe + 2, Long.MAX_VALUE, Long.MIN_VALUE})
            add(vectors, "long", value, new LongSerializer());
        for (double value : new double[] {0, -0.0, 0.1, -1.5, Double.MAX_VALUE, Double.MIN_VALUE, Double.NaN, Double.NEGATIVE_INFINITY})
            add(vectors, "double", value, new DoubleSerializer());
        return vectors;
    }

    private static <T> void add(List<Map<String, Object>> vectors, String type, T value, Serializer<T> serializer) {
        Map<String, Object> vector = new LinkedHashMap<>();
        vector.put("type", type);
        vector.put("value", String.valueOf(value));
        vector.put("hex", HexFormat.of().formatHex(serializer.serialize("topic", value)));
        vectors.add(vector);
    }
}
